"""Reference values for certified thresholds: writes certify.json beside this file.

    python -m venv venv && venv/bin/pip install numpy==2.4.6 scipy==1.17.1
    venv/bin/python make_certify_goldens.py

p-values are scipy.stats.binom.cdf(wrong, accepted, alpha). The most errors allowed, the fewest rows and the rows needed at an
observed rate are found by counting up, as literally as their definitions can be written. The output is the same on every run.
"""

import json
import math
from pathlib import Path

import numpy
import scipy
from scipy.stats import binom


def p_values():
    for accepted in (1, 2, 5, 20, 59, 100, 365, 1000, 5000, 100_000):
        for alpha in (0.001, 0.01, 0.05, 0.1, 0.3, 0.5, 0.9):
            mean = accepted * alpha
            sd = math.sqrt(mean * (1 - alpha))
            wrongs = {0, 1, accepted // 2, accepted - 1, accepted}
            wrongs |= {round(mean + z * sd) for z in (-6, -3, -1.6, -1, 0, 1, 3)}
            for wrong in sorted(w for w in wrongs if 0 <= w <= accepted):
                p = float(binom.cdf(wrong, accepted, alpha))
                yield {"wrong": wrong, "accepted": accepted, "alpha": alpha, "p": p}


def allowed():
    for alpha in (0.01, 0.02, 0.05, 0.1, 0.2):
        for delta in (0.01, 0.05, 0.1):
            for accepted in (1, 10, 29, 30, 59, 100, 200, 500, 1000, 4000):
                errors = numpy.arange(accepted + 1)
                passing = errors[binom.cdf(errors, accepted, alpha) <= delta]
                most = int(passing[-1]) if len(passing) else None
                yield {"accepted": accepted, "alpha": alpha, "delta": delta, "errors": most}


def least():
    for alpha in (0.01, 0.02, 0.05, 0.1, 0.2):
        for delta in (0.01, 0.05, 0.1):
            for wrong in (0, 1, 2, 5, 16):
                sizes = numpy.arange(1, 20_000)
                passing = sizes[binom.cdf(wrong, sizes, alpha) <= delta]
                yield {"wrong": wrong, "alpha": alpha, "delta": delta, "accepted": int(passing[0])}


def needed():
    for wrong, accepted in ((0, 10), (1, 100), (2, 100), (3, 100), (4, 100), (3, 43), (1, 20), (17, 365), (9, 365)):
        for alpha in (0.02, 0.05, 0.1):
            sizes = numpy.arange(1, 200_000)
            errors = -(-sizes * wrong // accepted)
            passing = sizes[binom.cdf(errors, sizes, alpha) <= 0.05]
            found = int(passing[0]) if wrong < alpha * accepted else None
            yield {"wrong": wrong, "accepted": accepted, "alpha": alpha, "delta": 0.05, "needed": found}


document = {
    "made_by": {"numpy": numpy.__version__, "scipy": scipy.__version__},
    "p_values": list(p_values()),
    "allowed_errors": list(allowed()),
    "least_accepted": list(least()),
    "rows_needed": list(needed()),
}
lines = ["{"]
for index, (key, value) in enumerate(document.items()):
    comma = "," if index + 1 < len(document) else ""
    if isinstance(value, dict):
        lines.append(f"{json.dumps(key)}: {json.dumps(value)}{comma}")
        continue
    lines.append(f"{json.dumps(key)}: [")
    lines.append(",\n".join(json.dumps(case) for case in value))
    lines.append(f"]{comma}")
lines.append("}")
Path(__file__).with_name("certify.json").write_text("\n".join(lines) + "\n")
