"""Reference values for the scoring rules: writes scoring.json beside this file.

    python -m venv venv && venv/bin/pip install numpy==2.4.6 scikit-learn==1.9.1
    venv/bin/python make_scoring_goldens.py

Probabilities are scikit-learn's LogisticRegression(C, solver="newton-cholesky", tol=1e-12) on unit vectors. The others are written with numpy as literally
as their definitions: cosines to the mean of a route's unit vectors, to the nearest example, the mean of the highest k, the mean of those among the
k nearest of all, and to the medoid, which is found by trying every example. The output is the same on every run.
"""

import itertools
import json
from pathlib import Path

import numpy
import sklearn
from sklearn.linear_model import LogisticRegression

DIMENSION = 6


def unit(rows):
    rows = numpy.asarray(rows, dtype=numpy.float32).astype(float)
    return rows / numpy.linalg.norm(rows, axis=1, keepdims=True)


def medoids(examples, k):
    k = min(k, len(examples))
    distance = 1 - examples @ examples.T
    best = min(itertools.combinations(range(len(examples)), k), key=lambda s: distance[:, s].min(axis=1).sum())
    return examples[list(best)]


def mean_nearest(cosines, labels, k, routes):
    """As semantic-router 1.1.1 does it: the hits of a search for the k nearest, averaged a route, 0 for a route without a hit."""
    scores = numpy.zeros((routes, len(cosines)))
    for prompt, row in enumerate(cosines):
        hits = numpy.argsort(-row, kind="stable")[:k]
        for route in set(labels[hits]):
            scores[route, prompt] = numpy.mean([row[hit] for hit in hits if labels[hit] == route])
    return scores


def case(generator, sizes):
    raw = []
    for route, size in enumerate(sizes):
        centre = generator.normal(size=DIMENSION)
        raw.append(numpy.float32(centre + 0.8 * generator.normal(size=(size, DIMENSION))))
    prompts = numpy.float32(generator.normal(size=(7, DIMENSION)))
    # What the program gets are unit vectors of f32.
    raw = [numpy.float32(unit(rows)) for rows in raw]
    prompts = numpy.float32(unit(prompts))
    examples, rows = [unit(route) for route in raw], unit(prompts)
    rules = {
        "centroid": [unit([numpy.float32(route.mean(axis=0))])[0] @ rows.T for route in raw],
        "max-example": [(rows @ route.T).max(axis=1) for route in examples],
        "mean-top:2": [numpy.sort(rows @ route.T, axis=1)[:, -2:].mean(axis=1) for route in examples],
        # One: of two, either of a pair that stands apart is as good as the other.
        "medoids:1": [(rows @ medoids(route, 1).T).max(axis=1) for route in examples],
    }
    labels = numpy.repeat(numpy.arange(len(sizes)), sizes)
    for k in (1, 3, 5):
        rules[f"mean-nearest:{k}"] = mean_nearest(rows @ numpy.vstack(examples).T, labels, k, len(sizes))
    for c in (0.3, 1, 10, 100):
        model = LogisticRegression(C=c, solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(numpy.vstack(examples), labels)
        rules["logistic" if c == 1 else f"logistic:{c}"] = model.predict_proba(rows).T
    return {
        "sizes": sizes,
        "examples": numpy.vstack(raw).tolist(),
        "prompts": prompts.tolist(),
        "rules": {name: numpy.asarray(scores).T.tolist() for name, scores in rules.items()},
    }


def main():
    generator = numpy.random.default_rng(20261125)
    cases = [case(generator, sizes) for sizes in ([3, 3], [6, 6, 6, 6], [1, 9, 4], [12, 5])]
    document = {"versions": {"numpy": numpy.__version__, "scikit-learn": sklearn.__version__}, "cases": cases}
    path = Path(__file__).with_name("scoring.json")
    path.write_text(json.dumps(document, indent=1) + "\n")


main()
