#!/usr/bin/env python3
"""Start-up: how long `--help` and one classified prompt take, for one program or several in turn.

    startup.py PROGRAM [OTHER_PROGRAM ...] [--runs N]

Every run classifies a prompt of its own, so that the model is loaded each time; the vectors of the examples are kept. Each program has a cache folder of
its own, made from the model files of the user's (ROUTECAL_CACHE, or the usual place), and is run once before the clock starts. Prints, of each
program, wall time and processor time in milliseconds: median (least to greatest).
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

ROUTES = Path(__file__).resolve().parents[3] / "routes.json"


def timed(command, **options):
    """Wall and processor seconds of a command that must succeed."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def shown(seconds):
    ms = [1000 * s for s in seconds]
    return f"{statistics.median(ms):7.1f} ({min(ms):.1f} to {max(ms):.1f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("programs", nargs="+", type=Path)
    parser.add_argument("--runs", type=int, default=15)
    args = parser.parse_args()
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "routecal"
    installed = Path(os.environ.get("ROUTECAL_CACHE", default)) / "assets"
    with tempfile.TemporaryDirectory() as folder:
        environments, times = [], {}
        for number, program in enumerate(args.programs):
            cache = Path(folder, str(number))
            shutil.copytree(installed, cache / "assets")
            environments.append({**os.environ, "ROUTECAL_CACHE": str(cache), "ROUTECAL_OFFLINE": "1"})
        for run in range(-1, args.runs):
            for number, program in enumerate(args.programs):
                jobs = {
                    "--help": [program, "--help"],
                    "classify": [program, "--routes", ROUTES, "classify", f"prompt number {run} for the clock"],
                }
                for name, command in jobs.items():
                    result = timed(command, env=environments[number], cwd=folder)
                    if run >= 0:
                        times.setdefault((name, number), []).append(result)
        print(f"milliseconds, median (least to greatest) of {args.runs} runs in turn")
        for (name, number), results in sorted(times.items()):
            wall, cpu = zip(*results)
            print(f"{name:9} {args.programs[number]}: wall {shown(wall)}, processor {shown(cpu)}")


if __name__ == "__main__":
    main()
