"""Reference values for replay's frontier and policies: writes replay.json beside this file.

    python -m venv venv && venv/bin/pip install numpy==2.4.6 scipy==1.17.1
    venv/bin/python make_replay_goldens.py

Hulls come from scipy.spatial.ConvexHull, areas from numpy.trapezoid over numpy.interp, shuffles from every permutation there
is. What no library has (CPT, the sweep, the oracle) is written here as literally as its definition. The output is the same on
every run.
"""

import itertools
import json
from pathlib import Path

import numpy as np
import scipy
from scipy.spatial import ConvexHull

SEED = 20_261_125


def hull(points):
    """Corners of the least concave, non-decreasing function over the points."""
    points = np.asarray(points)
    low, high = points[:, 0].min(), points[:, 0].max()
    top = points[:, 1].max()
    # Free disposal: more money is not worse, and a worse answer can always be had. The hull of all that has the corners wanted
    # as its upper side.
    span = high - low + 1.0
    closed = np.vstack([points, [[high + span, top], [high + span, -1.0], [low, -1.0]]])
    corners = closed[ConvexHull(closed).vertices]
    best_at_low = points[points[:, 0] == low][:, 1].max()
    keep = [
        tuple(corner)
        for corner in corners
        if corner[1] > -1.0 and corner[0] <= high and not (corner[0] == low and corner[1] < best_at_low)
    ]
    keep.sort()
    # Of the level part only the cheapest point is a corner.
    return [corner for i, corner in enumerate(keep) if i == 0 or corner[1] > keep[i - 1][1]]


def heights(corners, costs):
    x, y = zip(*corners)
    return np.interp(costs, x, y)


def aiq(corners, low, high):
    places = np.unique([low, high] + [c for c, _ in corners if low < c < high])
    return np.trapezoid(heights(corners, places), places) / (high - low)


def normalised(weak, strong, points):
    points = np.asarray(points).reshape(-1, 2)
    cost = (points[:, 0] - weak[0]) / (strong[0] - weak[0])
    pgr = (points[:, 1] - weak[1]) / (strong[1] - weak[1])
    return np.column_stack([cost, pgr])


def apgr(weak, strong, points):
    best = {}
    for cost, quality in [*map(tuple, normalised(weak, strong, points)), (0.0, 0.0), (1.0, 1.0)]:
        best[cost] = max(best.get(cost, -np.inf), quality)
    x = np.array(sorted(best))
    y = np.array([best[cost] for cost in x])
    places = np.unique(np.concatenate([[0.0, 1.0], x[(x > 0) & (x < 1)]]))
    return np.trapezoid(np.interp(places, x, y), places)


def cpt(weak, strong, points, wanted):
    reached = [cost for cost, pgr in normalised(weak, strong, points) if pgr >= wanted - 1e-12]
    return min(reached) if reached else None


def cost_at(points, quality, share):
    reached = [cost for cost, q in points if q >= share * quality - 1e-12]
    return min(reached) if reached else None


def frontier_case(rng, n):
    points = np.column_stack([rng.uniform(0.5, 12, n), rng.uniform(0.3, 0.95, n)]).round(3)
    if n > 6:
        points[3, 0] = points[4, 0]
        points[5] = points[6]
    weak, strong = (1.0, 0.55), (10.0, 0.85)
    corners = hull(points)
    low, high = float(points[:, 0].min()), float(points[:, 0].max())
    return {
        "points": points.tolist(),
        "hull": [list(corner) for corner in corners],
        "aiq": aiq(corners, low, high) if high > low else None,
        "aiq_beyond": aiq(corners, low + 0.25, high + 3.0),
        "range": [low, high],
        "weak": weak,
        "strong": strong,
        "apgr": apgr(weak, strong, points),
        "cpt": [[x, cpt(weak, strong, points, x)] for x in (0.2, 0.5, 0.8, 1.0, 1.5)],
        "cost_at": [[x, cost_at(points, strong[1], x)] for x in (0.9, 0.95, 0.98, 1.0, 1.2)],
    }


def policy_case(rng, n, models):
    score = rng.integers(0, 3, (n, models)) / 2
    cost = (rng.uniform(0.1, 1, (n, 1)) * np.geomspace(1, 8, models)).round(4)
    own = rng.integers(0, models, n)
    confidence = rng.integers(1, 6, n) / 10
    gap = rng.integers(0, 3, n) / 10
    fallback = models - 1
    sweep = []
    for threshold in [None, *sorted(set(confidence[gap >= 0.1]), reverse=True)]:
        accepted = (gap >= 0.1) & (confidence >= (np.inf if threshold is None else threshold))
        choice = np.where(accepted, own, fallback)
        rows = np.arange(n)
        sweep.append([threshold, int(accepted.sum()), cost[rows, choice].mean(), score[rows, choice].mean()])
    choice = np.where((gap >= 0.1) & (confidence >= 0.3), own, fallback)
    dealt = [score[np.arange(n), list(order)].mean() for order in itertools.permutations(choice)]
    quality = score[np.arange(n), choice].mean()
    oracle = [min(range(models), key=lambda m: (-score[i, m], cost[i, m], m)) for i in range(n)]
    return {
        "score": score.tolist(),
        "cost": cost.tolist(),
        "own": own.tolist(),
        "confidence": confidence.tolist(),
        "gap": gap.tolist(),
        "fallback": fallback,
        "least_gap": 0.1,
        "threshold": 0.3,
        "sweep": sweep,
        "quality": quality,
        "shuffle_mean": float(np.mean(dealt)),
        "shuffle_p": float(np.mean(np.array(dealt) >= quality - 1e-12)),
        "oracle": oracle,
    }


def main():
    rng = np.random.default_rng(SEED)
    golden = {
        "made_with": {"numpy": np.__version__, "scipy": scipy.__version__},
        "frontier": [frontier_case(rng, n) for n in (2, 3, 5, 9, 20, 60, 200)],
        "policies": [policy_case(rng, n, models) for n, models in ((4, 2), (6, 2), (7, 3), (8, 2), (8, 3))],
    }
    text = json.dumps(golden, indent=1)
    Path(__file__).with_name("replay.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
