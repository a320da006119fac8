"""What the sweep replaces: a NumPy loop over a grid of 101 thresholds and 41 gaps, the rows counted afresh in each cell.

    cargo bench --bench sweep -- sweep --rows 1000000 --repeat 1 --dump /tmp/rows.bin
    python3 tests/bench/sweep/numpy_loop.py /tmp/rows.bin [repeats]

Prints wall and processor seconds and the best cell; needs numpy.
"""

import sys
import time

import numpy as np


def load(path):
    raw = np.fromfile(path, dtype=np.uint8)
    n = raw.size // 17
    score = raw[: 8 * n].view(np.float64)
    gap = raw[8 * n : 16 * n].view(np.float64)
    return score, gap, raw[16 * n :]


def loop(score, gap, kind):
    right, outside = kind == 0, kind == 2
    best = (-1.0, 0.0, 0.0)
    for threshold in np.linspace(score.min(), score.max(), 101):
        for least in np.linspace(0.0, gap.max(), 41):
            accepted = (score >= threshold) & (gap >= least)
            handled = np.count_nonzero(accepted & right) + np.count_nonzero(~accepted & outside)
            best = max(best, (handled / score.size, threshold, least))
    return best


score, gap, kind = load(sys.argv[1])
print("rows,wall_s,cpu_s,threshold,gap,figure")
for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 1):
    wall, cpu = time.perf_counter(), time.process_time()
    figure, threshold, least = loop(score, gap, kind)
    print(f"{score.size},{time.perf_counter() - wall:.4f},{time.process_time() - cpu:.2f},{threshold},{least},{figure:.6f}", flush=True)
