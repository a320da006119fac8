"""Reference values for the monitor module: writes monitor.json beside this file.

    python -m venv venv && venv/bin/pip install numpy==2.4.6 scipy==1.17.1
    venv/bin/python make_monitor_goldens.py

The two-sample Kolmogorov-Smirnov test is scipy's (ks_2samp, method "exact") up to 10,000 rows a side; where scipy's counting fails
(it warns), and as a check where n m is small, the paths are counted with whole numbers of any size. Above, routecal takes
Kolmogorov's limit itself (scipy.special.kolmogorov at sqrt(n m / (n + m)) D), where scipy's own "asymp" takes the exact one-sample
distribution of round(n m / (n + m)) rows; the script prints how far the two are apart. The stability index is computed with numpy
as its definition says: edges from numpy.quantile, each once, bins by numpy.digitize, half a row added to every bin. The output
is the same on every run.
"""

import json
import math
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import scipy
from scipy import special, stats

SEED = 20_261_125


def counted(n, m, statistic):
    """The share of lattice paths from (0, 0) to (n, m) that reach the distance, in whole numbers."""
    steps = round(statistic * n * m)
    inside = [0] * (m + 1)
    for i in range(n + 1):
        for j in range(m + 1):
            if abs(i * m - j * n) >= steps:
                inside[j] = 0
            elif i == 0 and j == 0:
                inside[j] = 1
            else:
                inside[j] = (inside[j] if i else 0) + (inside[j - 1] if j else 0)
    return float(1 - Fraction(inside[m], math.comb(n + m, n)))


def ks_cases(random):
    sizes = [(1, 1), (1, 5), (2, 3), (5, 5), (8, 12), (30, 30), (40, 60), (100, 100), (250, 40), (97, 101), (600, 400)]
    for n, m in sizes:
        for shift, decimals in [(0.0, 9), (0.4, 9), (1.5, 9), (0.2, 1)]:
            a = np.round(random.normal(0.0, 1.0, n), decimals)
            b = np.round(random.normal(shift, 1.2, m), decimals)
            with warnings.catch_warnings(record=True) as failed:
                warnings.simplefilter("always")
                found = stats.ks_2samp(a, b, method="exact")
            p = float(found.pvalue)
            if failed or n * m <= 10_000:
                count = counted(n, m, found.statistic)
                if failed:
                    print(f"n {n}, m {m}, D {found.statistic:.3f}: scipy fails, {count:.6g} counted")
                elif abs(p - count) > 1e-11 * count:
                    raise SystemExit(f"n {n}, m {m}: scipy {p}, counted {count}")
                p = count if failed else p
            yield {
                "a": a.tolist(),
                "b": b.tolist(),
                "statistic": float(found.statistic),
                "p": p,
            }


def large_cases(random):
    """Too long to write down: values are (i * step) mod 1 of whole numbers, moved; both languages make the same."""
    for n, m, moved in [(10_001, 400, 0.02), (12_000, 11_000, 0.01), (20_000, 10_500, 0.004), (10_001, 30, 0.3)]:
        a = (np.arange(n) * 7919 % 10_007) / 10_007
        b = (np.arange(m) * 104_729 % 9_973) / 9_973 + moved
        statistic = stats.ks_2samp(a, b, method="asymp")
        en = n * m / (n + m)
        p = float(special.kolmogorov(np.sqrt(en) * statistic.statistic))
        print(f"n {n}, m {m}: limit {p:.6g}, scipy's asymp {statistic.pvalue:.6g}")
        yield {"n": n, "m": m, "moved": moved, "statistic": float(statistic.statistic), "p": p}


def psi(reference, other, bins):
    edges = np.unique(np.quantile(reference, np.arange(1, bins) / bins))
    if edges.size and edges[0] == reference.min():
        edges = edges[1:]
    count = lambda values: np.bincount(np.digitize(values, edges), minlength=edges.size + 1)
    smooth = lambda counts: (counts + 0.5) / (counts.sum() + 0.5 * counts.size)
    p, q = smooth(count(reference)), smooth(count(other))
    return edges, count(reference), count(other), float(np.sum((q - p) * np.log(q / p)))


def psi_cases(random):
    for n, m in [(20, 3), (100, 100), (300, 50), (609, 1000)]:
        for shift, decimals in [(0.0, 9), (0.5, 9), (3.0, 9), (0.3, 1), (0.3, 0)]:
            a = np.round(random.normal(0.0, 1.0, n), decimals)
            b = np.round(random.normal(shift, 1.0, m), decimals)
            for bins in (10, 4):
                edges, then, now, index = psi(a, b, bins)
                yield {
                    "a": a.tolist(),
                    "b": b.tolist(),
                    "bins": bins,
                    "edges": edges.tolist(),
                    "calibration": then.tolist(),
                    "log": now.tolist(),
                    "psi": index,
                }


def main():
    random = np.random.default_rng(SEED)
    golden = {
        "versions": {"numpy": np.__version__, "scipy": scipy.__version__},
        "ks": list(ks_cases(random)),
        "ks_large": list(large_cases(random)),
        "psi": list(psi_cases(random)),
    }
    path = Path(__file__).with_name("monitor.json")
    path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")


main()
