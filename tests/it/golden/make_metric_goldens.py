"""Reference values for the metrics module: writes metrics.json beside this file.

    python -m venv venv && venv/bin/pip install numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1
    venv/bin/python make_metric_goldens.py

Where scikit-learn or scipy has a figure, it is taken from there. Where neither has (risk-coverage areas, FPR at 95 % TPR,
calibration error), it is computed here as literally as the definition can be written, and slowly. Undefined values are null.
Scores are rounded before use, so that the JSON holds exactly what the reference saw. The output is the same on every run.
"""

import itertools
import json
import math
import warnings
from pathlib import Path

import numpy as np
import scipy
import sklearn
from scipy import optimize
from scipy.special import expit, logsumexp, softmax
from sklearn import metrics
from sklearn.isotonic import IsotonicRegression

warnings.simplefilter("ignore")
SEED = 20_240_611
BINS = 15
INFINITY = 1e9  # stands for an infinite score: scikit-learn refuses infinities, and only the order matters


def number(value):
    """A JSON number, or null for a value that is not defined."""
    value = float(value)
    return None if math.isnan(value) else value


def numbers(values):
    return [number(value) for value in values]


# --- classification -------------------------------------------------------------------------------------------------


def classification(name, classes, truth, decision):
    truth, decision = np.asarray(truth), np.asarray(decision)
    labels = list(range(classes))
    arguments = {"labels": labels, "zero_division": np.nan}
    precision, recall, f1, support = metrics.precision_recall_fscore_support(truth, decision, **arguments)
    case = {
        "name": name,
        "classes": classes,
        "truth": truth.tolist(),
        "decision": decision.tolist(),
        "counts": metrics.confusion_matrix(truth, decision, labels=labels).ravel().tolist(),
        "precision": numbers(precision),
        "recall": numbers(recall),
        "f1": numbers(f1),
        "support": [int(count) for count in support],
        "accuracy": metrics.accuracy_score(truth, decision),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, decision),
        # 0.0 in scikit-learn where it is not defined, None with us: told apart by the margins.
        "mcc": None
        if min(len(set(truth)), len(set(decision))) == 1
        else metrics.matthews_corrcoef(truth, decision),
        "kappa": number(metrics.cohen_kappa_score(truth, decision, labels=labels)),
    }
    for average in ("macro", "micro", "weighted"):
        values = metrics.precision_recall_fscore_support(truth, decision, average=average, **arguments)[:3]
        case[average] = numbers(values)
    # scikit-learn falls back to the unweighted mean where the weights sum to 0; with us that is None.
    if support[~np.isnan(precision)].sum() == 0:
        case["weighted"][0] = None
    return case


def classification_cases(rng):
    def noisy(classes, n, keep, truth_classes=None):
        truth = rng.integers(0, truth_classes or classes, n)
        return truth, np.where(rng.random(n) < keep, truth, rng.integers(0, classes, n))

    yield classification("two classes", 2, *noisy(2, 80, 0.6))
    yield classification("four classes", 4, *noisy(4, 150, 0.7))
    yield classification("ten classes", 10, *noisy(10, 300, 0.8))
    truth, decision = noisy(4, 100, 0.7)
    yield classification("a class never predicted", 4, truth, np.where(decision == 2, 1, decision))
    yield classification("a class without support", 4, *noisy(4, 100, 0.7, truth_classes=3))
    truth, decision = noisy(5, 100, 0.7)
    yield classification("a class absent on both sides", 6, truth, decision)
    yield classification("as deployed, fallback last", 5, *noisy(5, 200, 0.5))
    imbalanced = rng.choice(3, 120, p=[0.9, 0.08, 0.02])
    yield classification("imbalanced", 3, imbalanced, np.where(rng.random(120) < 0.8, imbalanced, 0))
    yield classification("perfect", 3, [0, 1, 2, 2, 1], [0, 1, 2, 2, 1])
    yield classification("all wrong", 3, [0, 1, 2, 2, 1], [1, 2, 0, 1, 0])
    yield classification("one row, right", 2, [1], [1])
    yield classification("one row, wrong", 2, [0], [1])
    yield classification("one decision throughout", 3, [0, 1, 2, 1], [1, 1, 1, 1])
    yield classification("one truth throughout", 3, [1, 1, 1, 1], [0, 1, 2, 1])
    yield classification("one class throughout", 2, [0, 0, 0], [0, 0, 0])


def top_k_case(name, rng, classes, n):
    scores = np.round(rng.random((n, classes)), 6)
    truth = rng.integers(0, classes, n)
    assert all(len(set(row)) == classes for row in scores), "scikit-learn breaks ties the other way"
    scores[np.arange(n), truth] = np.round(scores[np.arange(n), truth] + 0.25, 6)
    assert all(len(set(row)) == classes for row in scores)
    labels = list(range(classes))
    return {
        "name": name,
        "scores": scores.tolist(),
        "truth": truth.tolist(),
        "top": {
            str(k): metrics.top_k_accuracy_score(truth, scores, k=k, labels=labels)
            for k in range(1, min(classes, 4))
        },
    }


# --- detection ------------------------------------------------------------------------------------------------------


def fpr_at_95(positive, negative):
    """The highest threshold accepting >= 95 % of `positive`, and the share of `negative` it accepts."""
    for threshold in sorted(set(positive) | set(negative), reverse=True):
        if np.mean(positive >= threshold) >= 0.95:
            return float(threshold), float(np.mean(negative >= threshold))
    raise AssertionError("the lowest score accepts all")


def detection(name, inside, outside):
    inside, outside = np.asarray(inside, float), np.asarray(outside, float)
    case = {
        "name": name,
        "in_domain": ["inf" if s == INFINITY else s for s in inside.tolist()],
        "out_of_domain": ["inf" if s == INFINITY else s for s in outside.tolist()],
        "auroc": None,
        "average_precision_in": None,
        "average_precision_out": None,
        "fpr_at_95_tpr": None,
        "fpr_at_95_tpr_out": None,
    }
    if len(inside) and len(outside):
        score = np.concatenate([inside, outside])
        is_inside = np.concatenate([np.ones(len(inside)), np.zeros(len(outside))])
        threshold, fpr = fpr_at_95(inside, outside)
        threshold_out, fpr_out = fpr_at_95(-outside, -inside)
        case |= {
            "auroc": metrics.roc_auc_score(is_inside, score),
            "average_precision_in": metrics.average_precision_score(is_inside, score),
            "average_precision_out": metrics.average_precision_score(1 - is_inside, -score),
            "fpr_at_95_tpr": fpr,
            "fpr_at_95_tpr_out": fpr_out,
        }
        if INFINITY not in (threshold, -threshold_out):
            case |= {"threshold": threshold, "threshold_out": -threshold_out}
    return case


def detection_cases(rng):
    def normal(mean, n, digits=4):
        return np.round(rng.normal(mean, 0.12, n), digits)

    yield detection("overlapping", normal(0.5, 120), normal(0.35, 60))
    yield detection("heavy ties", normal(0.5, 100, 1), normal(0.4, 70, 1))
    yield detection("all equal", [0.4] * 12, [0.4] * 5)
    yield detection("perfect", normal(2.0, 30), normal(-2.0, 20))
    yield detection("all wrong", normal(-2.0, 30), normal(2.0, 20))
    yield detection("one of each", [0.3], [0.7])
    yield detection("exactly 95 %", np.arange(1, 21), [1.5, 2.0, 2.5, 30.0])
    yield detection("some infinite", [INFINITY, INFINITY, 0.2, 0.4], [INFINITY, 0.3, 0.1])
    yield detection("signed zeros", [0.0, -0.0, 0.5], [0.0, -0.5])
    yield detection("out-of-domain empty", normal(0.5, 10), [])
    yield detection("in-domain empty", [], normal(0.5, 10))


# --- selective prediction -------------------------------------------------------------------------------------------


def aurc_in_order(loss):
    """(1/n) sum_i (1/i) sum_{j<=i} loss_(j)."""
    n = len(loss)
    return sum(sum(loss[:i]) / i for i in range(1, n + 1)) / n


def augrc_in_order(loss):
    """The trapezoid under P(accepted and wrong) against coverage, from (0, 0)."""
    n = len(loss)
    joint = np.concatenate([[0.0], np.cumsum(loss) / n])
    return float(np.trapezoid(joint, np.arange(n + 1) / n))


def over_orders(area, confidence, wrong):
    """The mean of `area` over the orders of the rows within each tie: all of them where that is feasible, else by the
    rotations of each tie, which put every row in every place equally often and so have the same mean, since both areas
    are linear in the losses."""
    order = np.argsort(-confidence, kind="stable")
    confidence, wrong = confidence[order], wrong[order].astype(float)
    ties = [wrong[confidence == value] for value in sorted(set(confidence.tolist()), reverse=True)]
    if math.prod(math.factorial(len(tie)) for tie in ties) <= 5_000:
        orders = itertools.product(*(itertools.permutations(tie) for tie in ties))
        return float(np.mean([area(np.concatenate(order)) for order in orders]))
    period = math.lcm(*(len(tie) for tie in ties))
    turned = ([np.roll(tie, turn) for tie in ties] for turn in range(period))
    return float(np.mean([area(np.concatenate(order)) for order in turned]))


def selective(name, confidence, wrong):
    confidence, wrong = np.asarray(confidence, float), np.asarray(wrong, bool)
    risk = wrong.mean()
    aurc = over_orders(aurc_in_order, confidence, wrong)
    curve = []
    for threshold in sorted(set(confidence.tolist()), reverse=True):
        accepted = confidence >= threshold
        curve.append([threshold, float(accepted.mean()), float(wrong[accepted].mean()), int(accepted.sum())])
    return {
        "name": name,
        "confidence": confidence.tolist(),
        "wrong": wrong.tolist(),
        "curve": curve,
        "aurc": aurc,
        "e_aurc": aurc - (risk + ((1 - risk) * math.log(1 - risk) if risk < 1 else 0.0)),
        "augrc": over_orders(augrc_in_order, confidence, wrong),
    }


def selective_cases(rng):
    def rows(n, digits):
        confidence = np.round(rng.random(n), digits)
        return confidence, rng.random(n) > 0.4 + 0.5 * confidence

    yield selective("no ties", *rows(90, 9))
    yield selective("few ties, all orders", [0.9, 0.7, 0.7, 0.7, 0.4, 0.4, 0.1], [0, 1, 0, 0, 0, 1, 1])
    yield selective("heavy ties", np.repeat([0.9, 0.6, 0.5, 0.2], [6, 4, 8, 3]), rng.random(21) < 0.4)
    yield selective("all equal", [0.5] * 9, [1, 0, 0, 1, 0, 0, 0, 0, 1])
    yield selective("perfect order", np.arange(20)[::-1] / 20, np.arange(20) >= 14)
    yield selective("worst order", np.arange(20) / 20, np.arange(20) >= 14)
    yield selective("none wrong", *(lambda c: (c, np.zeros(30)))(np.round(rng.random(30), 3)))
    yield selective("all wrong", *(lambda c: (c, np.ones(30)))(np.round(rng.random(30), 3)))
    yield selective("one row, right", [0.3], [0])
    yield selective("one row, wrong", [0.3], [1])


# --- reliability ----------------------------------------------------------------------------------------------------


def ece(bins, n):
    """sum_b (n_b / N) |accuracy_b - confidence_b| over bins of (confidence, right) arrays."""
    return float(sum(len(p) / n * abs(y.mean() - p.mean()) for p, y in bins if len(p)))


def equal_width(p, y):
    edges = np.arange(BINS + 1) / BINS
    for lower, upper in itertools.pairwise(edges):
        inside = (p > lower) & (p <= upper) | ((lower == 0) & (p == 0))
        yield p[inside], y[inside]


def equal_mass(p, y):
    """By rank, sizes as numpy.array_split; all rows of one confidence go where their lower middle row goes."""
    order = np.argsort(p, kind="stable")
    p, y = p[order], y[order]
    bin_of_rank = np.concatenate([np.full(len(part), i) for i, part in enumerate(np.array_split(p, BINS))])
    first, last = np.searchsorted(p, p, "left"), np.searchsorted(p, p, "right") - 1
    chosen = bin_of_rank[(first + last) // 2]
    for i in range(BINS):
        yield p[chosen == i], y[chosen == i]


def reliability(name, confidence, right):
    p, y = np.asarray(confidence, float), np.asarray(right, bool)
    return {
        "name": name,
        "confidence": p.tolist(),
        "right": y.tolist(),
        "ece_equal_width": ece(equal_width(p, y), len(p)),
        "ece_equal_mass": ece(equal_mass(p, y), len(p)),
        "width_counts": [len(part) for part, _ in equal_width(p, y)],
        "mass_counts": [len(part) for part, _ in equal_mass(p, y) if len(part)],
        "brier": metrics.brier_score_loss(y, p, labels=[False, True], pos_label=True),
        "log_loss": metrics.log_loss(y, p, labels=[False, True]),
    }


def reliability_cases(rng):
    def rows(n, digits):
        p = np.round(rng.random(n) ** 0.5, digits)
        return p, rng.random(n) < p**1.5

    yield reliability("no ties", *rows(150, 9))
    yield reliability("fewer rows than bins", *rows(11, 5))
    yield reliability("heavy ties", *rows(120, 1))
    yield reliability("on the edges", np.arange(16) / 15, rng.random(16) < 0.5)
    yield reliability("zeros and ones", [0, 0, 1, 1, 1, 0.5], [0, 1, 1, 0, 1, 1])
    yield reliability("all equal", [0.8] * 10, [1, 1, 0, 1, 1, 1, 1, 0, 1, 1])
    yield reliability("all wrong", rows(40, 4)[0], np.zeros(40))
    yield reliability("all right", rows(40, 4)[0], np.ones(40))
    yield reliability("one row", [0.7], [1])


def platt(score, right):
    """Platt's smoothed targets, the logistic curve by Newton's method in numpy from scipy's starting point, checked to have
    a gradient of nothing. scikit-learn stops at a gradient of 1e-6, too early to compare to 1e-9; it is checked to agree to
    what it promises."""
    from sklearn.calibration import _SigmoidCalibration

    n_right, n_wrong = right.sum(), (~right).sum()
    target = np.where(right, (n_right + 1) / (n_right + 2), 1 / (n_wrong + 2))
    design = np.column_stack([score, np.ones(len(score))])

    def loss(w):
        return float(np.sum(np.logaddexp(0, design @ w) - target * (design @ w)))

    def gradient(w):
        return design.T @ (expit(design @ w) - target)

    def hessian(w):
        p = expit(design @ w)
        return design.T @ (design * (p * (1 - p))[:, None])

    w = optimize.minimize(loss, [0.0, 0.0], jac=gradient, hess=hessian, method="trust-exact").x
    for _ in range(20):
        w = w - np.linalg.solve(hessian(w), gradient(w))
    assert np.abs(np.linalg.solve(hessian(w), gradient(w))).max() < 1e-12 * max(1, np.abs(w).max())
    theirs = _SigmoidCalibration().fit(score, right.astype(float))
    assert np.abs(expit(design @ w) - theirs.predict(score)).max() < 1e-3
    return w


def mapping(name, score, right, at):
    score, right, at = np.asarray(score, float), np.asarray(right, bool), np.asarray(at, float)
    slope, intercept = platt(score, right)
    isotonic = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(score, right.astype(float))
    return {
        "name": name,
        "score": score.tolist(),
        "right": right.tolist(),
        "at": at.tolist(),
        "slope": slope,
        "intercept": intercept,
        "platt": expit(slope * at + intercept).tolist(),
        "isotonic_x": isotonic.X_thresholds_.tolist(),
        "isotonic_y": isotonic.y_thresholds_.tolist(),
        "isotonic": isotonic.predict(at).tolist(),
    }


def mapping_cases(rng):
    at = np.round(np.linspace(-0.3, 1.3, 33), 3)

    def rows(n, digits):
        score = np.round(rng.normal(0.5, 0.15, n), digits)
        return score, rng.random(n) < expit(12 * (score - 0.4))

    yield mapping("no ties", *rows(150, 7), at)
    yield mapping("heavy ties", *rows(150, 1), at)
    yield mapping("separated", np.arange(20) / 20, np.arange(20) >= 12, at)
    yield mapping("reversed", np.arange(20) / 20, np.arange(20) < 12, at)
    yield mapping("two rows", [0.2, 0.6], [0, 1], at)
    yield mapping("one wrong", np.round(rng.random(60), 3), np.arange(60) != 7, at)


def temperature(name, scores, truth):
    """Brent's method for the root of the derivative of the negative log likelihood in the inverse temperature."""
    scores = np.asarray(scores, float)
    truth = np.asarray(truth)
    rows = np.arange(len(truth))

    def loss(beta):
        return float(np.sum(logsumexp(beta * scores, axis=1) - beta * scores[rows, truth]))

    def slope(beta):
        return float(np.sum((softmax(beta * scores, axis=1) * scores).sum(axis=1) - scores[rows, truth]))

    beta = optimize.brentq(slope, 1e-6, 1e6, xtol=1e-14, rtol=8.9e-16, maxiter=1_000)
    found = optimize.minimize_scalar(lambda x: loss(math.exp(x)), bounds=(-10, 14), method="bounded", options={"xatol": 1e-9})
    assert abs(math.exp(found.x) / beta - 1) < 1e-4
    return {
        "name": name,
        "scores": scores.tolist(),
        "truth": truth.tolist(),
        "t": 1 / beta,
        "confidence": softmax(beta * scores, axis=1).max(axis=1).tolist(),
    }


def temperature_cases(rng):
    def rows(classes, n, lift):
        truth = rng.integers(0, classes, n)
        scores = rng.normal(0.3, 0.1, (n, classes))
        scores[np.arange(n), truth] += lift
        return np.round(scores, 6), truth

    yield temperature("two routes", *rows(2, 60, 0.12))
    yield temperature("four routes", *rows(4, 90, 0.2))
    yield temperature("ten routes", *rows(10, 60, 0.15))
    yield temperature("hardly any signal", *rows(4, 90, 0.03))


# --- distributions --------------------------------------------------------------------------------------------------


def distribution(name, values, lower, upper, bins):
    values = np.asarray(values, float)
    counts, edges = np.histogram(values, bins=bins, range=(lower, upper))
    q = [0, 0.01, 0.05, 0.1, 0.25, 1 / 3, 0.5, 0.75, 0.9, 0.95, 0.99, 1]
    return {
        "name": name,
        "values": values.tolist(),
        "lower": lower,
        "upper": upper,
        "bins": bins,
        "counts": counts.tolist(),
        "edges": edges.tolist(),
        "below": int((values < lower).sum()),
        "above": int((values > upper).sum()),
        "mean": float(values.mean()),
        "min": float(values.min()),
        "max": float(values.max()),
        "q": q,
        "quantiles": np.quantile(values, q).tolist(),
    }


def distribution_cases(rng):
    yield distribution("cosines", np.round(rng.normal(0.4, 0.3, 120), 4), -1.0, 1.0, 40)
    yield distribution("on the edges", np.round(np.arange(-12, 13) / 10, 1), -1.0, 1.0, 20)
    yield distribution("ties", np.round(rng.random(50), 1), 0.0, 1.0, 7)
    yield distribution("one value", [0.25], 0.0, 1.0, 4)
    yield distribution("two values", [0.25, 0.75], 0.0, 1.0, 3)


def main():
    rng = np.random.default_rng(SEED)
    golden = {
        "made_by": "make_metric_goldens.py",
        "seed": SEED,
        "versions": {module.__name__: module.__version__ for module in (np, scipy, sklearn)},
        "classification": list(classification_cases(rng)),
        "top_k": [top_k_case("four classes", rng, 4, 60), top_k_case("ten classes", rng, 10, 40)],
        "detection": list(detection_cases(rng)),
        "selective": list(selective_cases(rng)),
        "reliability": list(reliability_cases(rng)),
        "mapping": list(mapping_cases(rng)),
        "temperature": list(temperature_cases(rng)),
        "distribution": list(distribution_cases(rng)),
    }
    lines = []
    for key, value in golden.items():
        if isinstance(value, list):
            cases = ",\n".join("    " + json.dumps(case, allow_nan=False) for case in value)
            lines.append(f"  {json.dumps(key)}: [\n{cases}\n  ]")
        else:
            lines.append(f"  {json.dumps(key)}: {json.dumps(value)}")
    path = Path(__file__).with_name("metrics.json")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
