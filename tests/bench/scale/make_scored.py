"""Writes a scored Parquet file of any size, a million rows at a time.

    python3 tests/bench/scale/make_scored.py 50_000_000 /tmp/scored.parquet

Labels, routes and splits as dictionaries, score and gap as f32, both bell-shaped and higher for right routes; the routes are those
of the shipped routes.json. Needs numpy and pyarrow.
"""

import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROUTES = ["coding", "creative", "factual", "reasoning"]
GROUP = 1_000_000


def group(random, n):
    best = random.integers(0, 4, n)
    draw = random.random(n)
    # 58 % right, 15 % of another route, 27 % of none.
    label = np.where(draw < 0.58, best, np.where(draw < 0.73, (best + 1) % 4, 4))
    lift = np.where(draw < 0.58, 0.1, np.where(draw < 0.73, 0.0, -0.1))
    score = (0.3 + lift + 0.12 * random.standard_normal(n)).clip(-1, 1).astype(np.float32)
    gap = np.abs(0.05 + lift / 2 + 0.06 * random.standard_normal(n)).clip(0, 2).astype(np.float32)
    text = lambda codes, names: pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int8)), names)
    return pa.table(
        {
            "label": text(label, [*ROUTES, "none"]),
            "best": text(best, ROUTES),
            "score": score,
            "gap": gap,
            "split": text(random.integers(0, 2, n), ["calibration", "test"]),
        }
    )


rows, path = int(sys.argv[1]), sys.argv[2]
random = np.random.default_rng(0)
writer = None
for start in range(0, rows, GROUP):
    table = group(random, min(GROUP, rows - start))
    writer = writer or pq.ParquetWriter(path, table.schema)
    writer.write_table(table)
writer.close()
