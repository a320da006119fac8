"""Goldens of confident learning, made by cleanlab and held against a re-implementation of its definition in numpy.

cleanlab's `find_label_issues(filter_by="confident_learning")` takes the most probable of *all* labels where several reach their
bar; the paper (Northcutt et al. 2021, equation 1) takes the most probable of those that do, and so does routecal. The script
checks that both give the same rows on these data, and says so where they would not.

    pip install cleanlab==2.9.0 numpy==2.4.6
    python make_lint_goldens.py > lint.json
"""

import json
import sys
from importlib.metadata import version

import numpy as np
from cleanlab.filter import find_label_issues


def case(seed: int, n: int, classes: int, noise: float, sharpness: float) -> dict:
    rng = np.random.default_rng(seed)
    true = np.r_[np.arange(classes), rng.integers(0, classes, n - classes)]
    labels = true.copy()
    wrong = rng.random(n) < noise
    wrong[:classes] = False
    labels[wrong] = (true[wrong] + rng.integers(1, classes, wrong.sum())) % classes
    logits = rng.standard_normal((n, classes)) + sharpness * np.eye(classes)[true]
    logits[:, 0] += 0.7  # a label that the model prefers
    probabilities = np.exp(logits)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    probabilities = np.round(probabilities, 12)

    ours = confident_learning(labels, probabilities)
    theirs = find_label_issues(
        labels, probabilities, filter_by="confident_learning", return_indices_ranked_by="normalized_margin", n_jobs=1
    )
    if sorted(ours) != sorted(int(i) for i in theirs):
        sys.exit(f"seed {seed}: cleanlab and the paper's definition differ: {sorted(set(ours) ^ set(map(int, theirs)))}")
    return {
        "labels": labels.tolist(),
        "probabilities": probabilities.tolist(),
        "rows": [int(i) for i in theirs],
        "suggested": {str(i): int(b) for i, b in ours.items()},
    }


def confident_learning(labels: np.ndarray, probabilities: np.ndarray) -> dict[int, int]:
    classes = probabilities.shape[1]
    bars = np.array([probabilities[labels == k, k].mean() for k in range(classes)])
    suspects = {}
    for i, p in enumerate(probabilities):
        reached = [k for k in range(classes) if p[k] >= bars[k]]
        if reached:
            best = max(reached, key=lambda k: p[k])
            if best != labels[i] and p[best] > p[labels[i]]:
                suspects[i] = best
    return suspects


SHAPES = [(1, 60, 3, 0.15, 2.0), (4, 120, 5, 0.1, 2.5), (9, 80, 2, 0.2, 1.5)]

versions = {name: version(name) for name in ("cleanlab", "numpy")}
print(json.dumps({"versions": versions, "cases": [case(*shape) for shape in SHAPES]}))
