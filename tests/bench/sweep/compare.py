"""The sweep against the NumPy loop, in turn, on the same rows.

    cargo bench --bench sweep --no-run
    python3 tests/bench/sweep/compare.py target/release/deps/sweep-HASH [rows] [rounds]

Prints the wall and processor seconds of each round, and median, least and greatest of the ratio of processor times (which other work
on the machine disturbs less than wall times). Needs numpy.
"""

import pathlib
import statistics
import subprocess
import sys
import tempfile

binary = sys.argv[1]
rows = sys.argv[2] if len(sys.argv) > 2 else "1000000"
rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
here = pathlib.Path(__file__).parent


def last(command):
    """The last line as a dictionary by the names of the header."""
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return dict(zip(lines[0].split(","), lines[-1].split(",")))


with tempfile.TemporaryDirectory() as folder:
    data = f"{folder}/rows.bin"
    sweep = [binary, "sweep", "--rows", rows, "--repeat", "2", "--goal", "max-system-accuracy"]
    subprocess.run([*sweep, "--dump", data], check=True, capture_output=True)
    ratios, walls = [], []
    for _ in range(rounds):
        a, b = last(sweep), last([sys.executable, here / "numpy_loop.py", data])
        assert float(a["figure"]) >= float(b["figure"]), "the loop found a better point"
        ratios.append(float(b["cpu_s"]) / float(a["cpu_s"]))
        walls.append(float(b["wall_s"]) / float(a["wall_s"]))
        print(f"sweep {a['wall_s']} s wall, {a['cpu_s']} s cpu, {a['figure']}; loop {b['wall_s']} s wall, {b['cpu_s']} s cpu, {b['figure']}", flush=True)
    for name, values in [("processor", ratios), ("wall", walls)]:
        print(f"{name}: median {statistics.median(values):.0f} times, {min(values):.0f} to {max(values):.0f}, n = {len(values)}")
