#!/usr/bin/env python3
"""`eval` of ever more rows of CSV with a warm cache: is the cost linear, and what is it a row?

    rows.py PROGRAM [OTHER_PROGRAM ...] [--smallest ROWS] [--largest ROWS] [--runs N] [--split test|all]

Makes labelled prompts out of the words of the shipped routes' examples, all distinct; fills each program's cache by one run with the hashing encoder (256
numbers a vector), then times runs in turn. Prints wall and processor seconds, median (least to greatest), microseconds a row and the
peak memory. Rows go up by tens. Nothing of the results means anything but their time.
"""

import argparse
import csv
import json
import os
import random
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

ROUTES = Path(__file__).resolve().parents[3] / "routes.json"


def write_rows(path, rows):
    """A CSV of `rows` labelled prompts, one in seven or so of no route."""
    routes = json.loads(ROUTES.read_text(encoding="utf-8"))["routes"]
    by_route = {name: " ".join(route["examples"]).split() for name, route in routes.items()}
    words = [word for own in by_route.values() for word in own]
    labels = [*by_route, "none"]
    draw = random.Random(0)
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["prompt", "label"])
        for row in range(rows):
            label = draw.choice(labels)
            own = by_route.get(label, words)
            prompt = [draw.choice(own if draw.random() < 0.6 else words) for _ in range(draw.randint(6, 12))]
            out.writerow([" ".join([*prompt, str(row)]), label])


def timed(command, environment):
    """Wall seconds, processor seconds and peak memory in MB of a command that must succeed."""
    start = time.perf_counter()
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{command} exited with {child.returncode}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("programs", nargs="+", type=Path)
    parser.add_argument("--smallest", type=int, default=1000)
    parser.add_argument("--largest", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--split", default="test", help="all: judge every row")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = args.smallest
        while rows <= args.largest:
            data = Path(folder, "prompts.csv")
            write_rows(data, rows)
            times = {}
            for run in range(-1, args.runs):
                for number, program in enumerate(args.programs):
                    environment = {**os.environ, "ROUTECAL_CACHE": str(Path(folder, f"cache{number}"))}
                    command = [program, "eval", data, "--encoder", "hashing", "--routes", ROUTES, "--split", args.split]
                    result = timed([*command, "--out", Path(folder, f"out{number}")], environment)
                    if run >= 0:
                        times.setdefault(number, []).append(result)
            for number, results in times.items():
                wall, cpu, memory = zip(*results)
                middle = statistics.median(wall)
                print(
                    f"{rows:>9} rows, {args.programs[number]}: wall {middle:.2f} s ({min(wall):.2f} to {max(wall):.2f}), "
                    f"processor {statistics.median(cpu):.2f} s, {1e6 * middle / rows:.2f} µs a row, {max(memory):.0f} MB",
                    flush=True,
                )
            rows *= 10


if __name__ == "__main__":
    main()
