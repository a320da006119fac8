#!/usr/bin/env python3
"""Find the constants of the int8 encoder: ranges of the activations, smoothing factors, units that stay fp32.

    calibrate_int8.py --model-dir DIR --output all-MiniLM-L6-v2.int8.json

Nothing is trained. For each of the 24 products the inputs of calibration texts are looked at, and of a fixed grid of
smoothing factors and ranges the pair is taken whose int8 product is nearest to the fp32 one, each token's error divided
by what the next layer normalisation divides by (or by the token's own output). How far the ranges then reach towards the
largest value seen is chosen by the cosine of whole vectors to fp32 on texts that the search did not see. Every choice is
made on texts of this repository or made up here; none on a public benchmark, so that those can judge.

Four feed-forward units a layer, those with the largest activations, stay in fp32: one of their values would
otherwise set the range of all.

Needs numpy==2.4.6, scipy==1.17.1 and tokenizers==0.23.3, and the model's folder; it takes four minutes on two cores. The order
of numpy's sums may turn the last digit of a factor, so a second run need not give the same bytes.
"""

import argparse
import csv
import hashlib
import itertools
import json
import re
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from int8_model import LAYERS, int8_columns, int8_products, names, plain, quantise, read_safetensors, run, weights_of

ROOT = Path(__file__).resolve().parents[3]
FP32_UNITS = 4
SAMPLE = 4000
SMOOTHING = [None, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
# Share of the way from the best range towards the whole range seen, by kinds of product.
REACH = [{}, {"o": 1, "f1": 1}, dict.fromkeys(("qkv", "o", "f1", "f2"), 0.5), dict.fromkeys(("qkv", "o", "f1", "f2"), 1)]
CODE = [
    "fn add(a: u32, b: u32) -> Option<u32> {\n    a.checked_add(b)\n}",
    "for row in csv.reader(open(path)):\n    totals[row[0]] += float(row[1])",
    "SELECT city, COUNT(*) FROM visits WHERE day > '2024-01-01' GROUP BY city ORDER BY 2 DESC;",
    "const sum = xs => xs.reduce((a, b) => a + b, 0); // no loop",
    "if (ptr == NULL) { fprintf(stderr, \"%s:%d\\n\", __FILE__, __LINE__); exit(1); }",
    "git rebase -i HEAD~3 && cargo test --release -- --nocapture | tee log.txt",
    "Traceback (most recent call last):\n  File \"main.py\", line 3, in <module>\nKeyError: 'id'",
    "<div class=\"card\"><a href=\"/about?id=7#top\">About</a></div>",
    "{\"retries\": 3, \"hosts\": [\"a.example\", \"b.example\"], \"tls\": {\"verify\": true}}",
    "def __init__(self, n=0, *args, **kw): super().__init__(); self.n = n",
    "x = np.linalg.norm(a - b, axis=1, keepdims=True)  # [rows, 1]",
    "panic: runtime error: index out of range [5] with length 5\n\ngoroutine 1 [running]:",
]
SHORT = ["", "!", "#", "ok", "b", "no", "hi", "123", "...", "$$$", "3.14159", "HTTP 404", "[SEP]", "[CLS] x [MASK]", "\U0001f44d", "\U0001f389 \U0001f525"]
# First and one past the last code point of a script.
SCRIPTS = [(0x4E00, 0x9000), (0x0621, 0x064A), (0x0430, 0x0450), (0x3041, 0x3090), (0xAC00, 0xD000), (0x0905, 0x0939)]


def texts(seed):
    """Calibration texts: the shipped examples and calibration prompts, longer ones made of them, and what prompts seldom hold."""
    rng = np.random.default_rng(seed)
    routes = json.loads((ROOT / "routes.json").read_text(encoding="utf-8"))["routes"]
    examples = [text for route in routes.values() for text in route["examples"]]
    with open(ROOT / "datasets/prompts.csv", encoding="utf-8", newline="") as file:
        prompts = examples + [row["prompt"] for row in csv.DictReader(file) if row["split"] == "calibration"]
    long = [" ".join(rng.choice(prompts, rng.integers(4, 16))) for _ in range(60)]
    letters = lambda a, b: "".join(chr(rng.integers(a, b)) if rng.random() > 0.2 else " " for _ in range(rng.integers(5, 50)))
    scripts = [letters(a, b) for a, b in SCRIPTS for _ in range(10)]
    return prompts + long + CODE + SHORT + scripts


def sequences(tokenizer, seed=0):
    """Token ids of the calibration texts, and random ones, shuffled."""
    rng = np.random.default_rng(seed)
    ids = [encoding.ids for encoding in tokenizer.encode_batch(texts(seed))]
    ids += [[101, *rng.integers(1000, 30522, rng.integers(1, 50)).tolist(), 102] for _ in range(60)]
    return [ids[i] for i in rng.permutation(len(ids))]


def to_uint8(x, scale, zero):
    """What is left of x after it was a uint8."""
    return (np.clip(np.rint(x / scale) + zero, 0, 255) - zero) * scale


def pair_of(low, high):
    """Scale and zero point of a range that holds 0."""
    low, high = min(0.0, float(low)), max(0.0, float(high))
    scale = float(f"{(high - low) / 255:.6g}")
    return scale, int(np.clip(round(-low / scale), 0, 255))


class Seen:
    """The inputs of one product over all tokens: a sample of rows, their least and greatest value by channel."""

    def __init__(self, x, rows):
        self.sample, self.low, self.high = x[rows], x.min(0), x.max(0)
        self.variance = None


def look(tensors, ids):
    """What each product sees on these sequences."""
    count = sum(len(s) for s in ids)
    rows = np.random.default_rng(1).choice(count, min(SAMPLE, count), replace=False)
    seen = {}

    def linear(layer, kind, x):
        seen[layer, kind] = Seen(x, rows)
        weight, bias = weights_of(tensors, layer, kind)
        return x @ weight + bias

    def variance(layer, kind, values):
        seen[layer, kind].variance = values[rows]

    return run(plain(tensors), ids, linear, variance), seen


def candidates(kind, largest, weight):
    """Smoothing factors to try, of geometric mean 1; `None` for none."""
    yield None
    if kind == "f2":
        return
    heaviest = np.maximum(np.abs(weight).max(1), 1e-5)
    for power in SMOOTHING[1:]:
        for factors in [largest**power] + ([largest**power / heaviest ** (1 - power)] if power < 1 else []):
            factors = factors / np.exp(np.log(factors).mean())
            yield np.array([float(f"{f:.4g}") for f in factors])


def search(kind, seen, weight):
    """The constants of one product whose error on the sample is least, and their range and the whole one."""
    low, high, x = seen.low.copy(), seen.high.copy(), seen.sample
    units = []
    if kind == "f2":
        units = np.argsort(-np.maximum(-low, high), kind="stable")[:FP32_UNITS].tolist()
        keep = np.ones(len(low))
        keep[units] = 0
        low, high, x, weight = low * keep, high * keep, x * keep, weight * keep[:, None]
    exact = x @ weight
    per_token = 1 / (seen.variance if seen.variance is not None else (exact**2).mean(1))
    best = None
    for smooth in candidates(kind, np.maximum(np.maximum(-low, high), 1e-3), weight):
        s = np.ones(len(low)) if smooth is None else smooth
        whole, scale = int8_columns(weight * s[:, None])
        rounded = whole * scale
        energy = (rounded**2).sum(1)
        xs, few = x / s, slice(0, 1000)
        least, most = xs.min(), xs.max()

        def cost(pair):
            return float((((to_uint8(xs[few], *pair) - xs[few]) ** 2 * per_token[few, None]).mean(0) * energy).sum())

        grid = itertools.product(np.linspace(0.3, 1, 8), np.linspace(0.2, 1, 9))
        pair = min({pair_of(least * a, most * b) for a, b in grid}, key=cost)
        error = float((((to_uint8(xs, *pair) @ rounded - exact) ** 2) * per_token[:, None]).mean())
        if best is None or error < best[0]:
            best = error, s, pair, ((low / s).min(), (high / s).max())
    error, s, pair, full = best
    return {"smooth": s, "pair": pair, "full": full, "units": units, "error": error}


def widened(found, kind, reach):
    """The range of a product after it was widened, as scale and zero point."""
    scale, zero = found["pair"]
    low, high = -zero * scale, (255 - zero) * scale
    share = reach.get(kind, 0)
    return pair_of(low + (found["full"][0] - low) * share, high + (found["full"][1] - high) * share)


def table_of(found, reach):
    """The constants as they are written."""
    layers = []
    for layer in range(LAYERS):
        entry = {}
        for kind in names(layer):
            f = found[layer, kind]
            scale, zero = widened(f, kind, reach)
            entry[kind] = {"scale": scale, "zero_point": zero}
            if kind == "f2":
                entry[kind]["fp32_units"] = f["units"]
            else:
                entry[kind]["smooth"] = f["smooth"].tolist()
        layers.append(entry)
    return {"layers": layers}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--model-dir", required=True, type=Path, help="folder with model.safetensors and tokenizer.json")
    parser.add_argument("--output", required=True, type=Path, help="the table to write")
    args = parser.parse_args()
    weights = args.model_dir / "model.safetensors"
    tensors = read_safetensors(weights)
    tokenizer = Tokenizer.from_file(str(args.model_dir / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    ids = sequences(tokenizer)
    held, ids = ids[: len(ids) // 3], ids[len(ids) // 3 :]
    _, seen = look(tensors, ids)
    found = {}
    for (layer, kind), what in seen.items():
        found[layer, kind] = search(kind, what, weights_of(tensors, layer, kind)[0])
        print(f"layer {layer} {kind:3} error {found[layer, kind]['error']:.2e}", flush=True)
    exact, _ = look(tensors, held)
    best = None
    for reach in REACH:
        table = table_of(found, reach)
        made = quantise(tensors, table)
        cosine = (run(made, held, int8_products(made)) * exact).sum(1)
        print(f"reach {reach}: cosine to fp32 on {len(held)} other texts mean {cosine.mean():.6f} least {cosine.min():.6f}")
        if best is None or cosine.mean() > best[0]:
            best = cosine.mean(), table
    digest = hashlib.sha256(json.dumps([ids, held]).encode()).hexdigest()
    table = {"model": "all-MiniLM-L6-v2", "weights_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(), "calibration_ids_sha256": digest, **best[1]}
    text = json.dumps(table, indent=1)
    # One line a list: it is read as a whole or not at all.
    text = re.sub(r"\[[^\[\]{}]*\]", lambda m: re.sub(r"\s+", " ", m.group()), text)
    args.output.write_text(text + "\n", encoding="utf-8", newline="\n")
    print(f"{args.output}: {args.output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
