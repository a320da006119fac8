"""Reference values for the stats module: writes stats.json beside this file.

    python -m venv venv && venv/bin/pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0 mpmath==1.3.0
    venv/bin/python make_stats_goldens.py

Tails of the binomial distribution are scipy's, which are good to a relative 1e-9 down to 1e-300 only for some of them, so mpmath
recomputes them with 80 digits and the script stops where the two differ by more than 1e-7. Wilson, Clopper-Pearson,
McNemar and Holm are statsmodels'; bootstrap intervals are scipy's, from draws given to it; Tango's interval, which no
Python package has, is found from the likelihood itself: maximised numerically under the constraint, the score taken as
it is defined, the roots found by Brent's method. The power is the sum over all tables. The output is the same on every run.
"""

import json
from pathlib import Path

import mpmath
import numpy as np
import scipy
import statsmodels
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

SEED = 20_261_125
mpmath.mp.dps = 80


# --- distributions --------------------------------------------------------------------------------------------------


def exact_pmf(k, n, p):
    p = mpmath.mpf(p)
    return mpmath.binomial(n, k) * p**k * (1 - p) ** (n - k)


def exact_tail(k, n, p, upper):
    """P(X >= k) or P(X <= k), summed from the largest term outwards with 80 digits."""
    p = mpmath.mpf(p)
    outside = (k > n * p) if upper else (k < n * p)
    if not outside:
        other = exact_tail(k - 1, n, p, False) if upper else exact_tail(k + 1, n, p, True)
        return 1 - other
    if k < 0 or k > n:
        return mpmath.mpf(0)
    term = total = exact_pmf(k, n, p)
    j = k
    while True:
        if upper:
            if j == n:
                break
            term *= mpmath.mpf(n - j) / (j + 1) * p / (1 - p)
            j += 1
        else:
            if j == 0:
                break
            term *= mpmath.mpf(j) / (n - j + 1) * (1 - p) / p
            j -= 1
        total += term
        if term < total * mpmath.mpf(10) ** -30:
            break
    return total


def close(ours, theirs, what):
    if abs(ours - theirs) > 1e-7 * abs(ours) + 1e-300:
        raise SystemExit(f"{what}: {ours} here, {theirs} there")
    return float(ours)


def binomial_cases():
    cases = []
    grid = [
        (1, 0.5, [0, 1]),
        (10, 0.3, range(11)),
        (59, 0.05, [0, 1, 3, 10, 59]),
        (299, 0.01, [0, 1, 3, 12]),
        (1000, 0.05, [10, 38, 50, 62, 120]),
        (1000, 0.5, [300, 499, 500, 501, 700]),
        (5000, 0.02, [40, 99, 100, 101, 180]),
        (100_000, 0.001, [10, 99, 100, 250]),
        (1_000_000, 0.5, [497_000, 499_999, 500_000, 501_234, 503_000]),
        (1_000_000, 0.0001, [20, 99, 100, 240]),
        (1_000_000, 0.9999, [999_750, 999_900, 999_950]),
    ]
    for n, p, ks in grid:
        for k in ks:
            what = f"Bin({n}, {p}) at {k}"
            cases.append(
                {
                    "n": n,
                    "p": p,
                    "k": k,
                    "pmf": close(exact_pmf(k, n, p), stats.binom.pmf(k, n, p), what),
                    "cdf": close(exact_tail(k, n, p, False), stats.binom.cdf(k, n, p), what),
                    "sf": close(exact_tail(k, n, p, True), stats.binom.sf(k - 1, n, p), what),
                }
            )
    return cases


def normal_cases():
    zs = [-37.0, -20.0, -8.3, -5.0, -3.1, -1.959963984540054, -0.7, -1e-9, 0.0, 1e-4, 0.42, 1.0, 2.5, 4.0, 8.0]
    ps = [1e-300, 1e-100, 1e-20, 1e-9, 1e-4, 0.001, 0.025, 0.05, 0.07, 0.2, 0.4, 0.5, 0.6, 0.9, 0.95, 0.975, 0.999, 0.999999]
    return {
        "cdf": [{"z": z, "value": float(mpmath.ncdf(z))} for z in zs],
        "quantile": [{"p": p, "value": float(stats.norm.ppf(p))} for p in ps],
    }


# --- intervals of a rate --------------------------------------------------------------------------------------------


def proportion_cases():
    cases = []
    for n in (1, 2, 7, 24, 59, 164, 1000, 5000, 1_000_000):
        for k in sorted({0, 1, n // 20, n // 3, n // 2, n - 1, n}):
            for level in (0.5, 0.9, 0.95, 0.99):
                case = {"k": k, "n": n, "level": level}
                for name, method in (("wilson", "wilson"), ("clopper_pearson", "beta")):
                    case[name] = [float(end) for end in proportion_confint(k, n, alpha=1 - level, method=method)]
                # statsmodels' ends are those of a beta distribution: nan at the edges before it mends them.
                cases.append(case)
    return cases


# --- pairs ----------------------------------------------------------------------------------------------------------

TABLES = [
    (1, 0, 0),
    (1, 1, 0),
    (4, 4, 0),
    (20, 0, 0),
    (20, 5, 0),
    (20, 10, 10),
    (44, 0, 1),
    (50, 3, 1),
    (100, 9, 2),
    (164, 0, 0),
    (164, 7, 12),
    (608, 25, 11),
    (608, 0, 31),
    (5000, 120, 90),
    (5000, 2500, 2400),
    (1_000_000, 3000, 2900),
]


def restricted_lost(n, lost, won, delta):
    """The share of lost prompts that is most likely given won - lost = delta, by maximising the likelihood."""
    agree = n - lost - won

    def minus_log_likelihood(q):
        p_won, p_agree = q + delta, 1 - 2 * q - delta
        terms = [(won, p_won), (lost, q), (agree, p_agree)]
        if any(count > 0 and p <= 0 for count, p in terms):
            return np.inf
        return -sum(count * mpmath.log(p) for count, p in terms if count > 0)

    low, high = max(mpmath.mpf(0), -delta), (1 - delta) / 2

    # The derivative falls: its root by bisection with 80 digits is the maximum, without the flat top of a search.
    def slope(q):
        terms = [(won, q + delta, 1), (lost, q, 1), (agree, 1 - 2 * q - delta, -2)]
        return sum(count * sign / p for count, p, sign in terms if count > 0)

    if high - low < mpmath.mpf(10) ** -40:
        return low
    tiny = (high - low) * mpmath.mpf(10) ** -40
    a, b = low + tiny, high - tiny
    if slope(a) <= 0:
        return low
    if slope(b) >= 0:
        return high
    for _ in range(170):
        middle = (a + b) / 2
        a, b = (middle, b) if slope(middle) > 0 else (a, middle)
    found = (a + b) / 2
    # Nothing near it is likelier.
    step = (high - low) * mpmath.mpf(10) ** -6
    here = minus_log_likelihood(found)
    for other in (found - step, found + step):
        if low < other < high and minus_log_likelihood(other) < here:
            raise SystemExit(f"no maximum at {found} for {(n, lost, won, delta)}")
    return found


def tango_statistic(n, lost, won, delta):
    delta = mpmath.mpf(delta)
    q = restricted_lost(n, lost, won, delta)
    variance = n * (2 * q + delta - delta**2)
    distance = won - lost - n * delta
    if variance <= mpmath.mpf(10) ** -35:
        return mpmath.sign(distance) * mpmath.mpf(10) ** 6 if distance else mpmath.mpf(0)
    return distance / mpmath.sqrt(variance)


def tango(n, lost, won, level):
    z = mpmath.mpf(float(stats.norm.ppf(1 - (1 - level) / 2)))
    observed = (won - lost) / n
    ends = []
    for target, edge in ((z, -1.0), (-z, 1.0)):
        f = lambda d: float(tango_statistic(n, lost, won, d) - target)
        inner, outer = observed, edge * (1 - 1e-13)
        if f(outer) * f(inner) > 0:
            # The statistic does not reach z before the difference can go no further.
            ends.append(edge)
            continue
        ends.append(optimize.brentq(f, min(inner, outer), max(inner, outer), xtol=1e-15, rtol=1e-14))
    return ends


def paired_cases():
    cases = []
    for n, lost, won in TABLES:
        table = [[n - lost - won, lost], [won, 0]]
        two_sided = float(mcnemar(table, exact=True).pvalue) if lost + won else 1.0
        regression = stats.binomtest(lost, lost + won, 0.5, alternative="greater").pvalue if lost + won else 1.0
        case = {"n": n, "lost": lost, "won": won, "mcnemar": two_sided, "regression_p": float(regression), "score": []}
        for level in (0.9, 0.95, 0.99):
            case["score"].append({"level": level, "interval": tango(n, lost, won, level)})
        cases.append(case)
    return cases


def power_cases():
    cases = []
    for n, discordant, drop, alpha in [
        (5, 0.9, 0.9, 0.05),
        (12, 0.6, 0.4, 0.1),
        (50, 0.1, 0.08, 0.05),
        (164, 0.05, 0.05, 0.05),
        (300, 0.2, 0.05, 0.025),
        (608, 0.05, 0.02, 0.05),
        (608, 0.05, 0.0, 0.05),
    ]:
        lost_share = (discordant + drop) / (2 * discordant)
        power = 0.0
        for rows in range(n + 1):
            p = stats.binom.sf(np.arange(rows + 1) - 1, rows, 0.5)
            rejected = np.flatnonzero(p <= alpha)
            power += stats.binom.pmf(rows, n, discordant) * stats.binom.pmf(rejected, rows, lost_share).sum()
        cases.append({"n": n, "discordant": discordant, "drop": drop, "alpha": alpha, "power": float(power)})
    return cases


def detectable_cases():
    """The drop at which the exact power reaches 80 %, by Brent's method on the power above."""
    cases = []
    for n, discordant, alpha in [(50, 0.05, 0.05), (164, 0.1, 0.05), (608, 0.05, 0.025)]:

        def power(drop):
            d = max(discordant, drop)
            lost_share = min((d + drop) / (2 * d), 1.0)
            rows = np.arange(n + 1)
            total = 0.0
            for r in rows:
                p = stats.binom.sf(np.arange(r + 1) - 1, r, 0.5)
                critical = int(np.argmax(p <= alpha)) if (p <= alpha).any() else None
                if critical is not None:
                    total += stats.binom.pmf(r, n, d) * stats.binom.sf(critical - 1, r, lost_share)
            return total

        drop = optimize.brentq(lambda x: power(x) - 0.8, 1e-9, 0.999, xtol=1e-12)
        cases.append({"n": n, "discordant": discordant, "alpha": alpha, "drop": drop})
    return cases


# --- many tests -----------------------------------------------------------------------------------------------------


def holm_cases(rng):
    lists = [
        [0.01, 0.04, 0.03],
        [0.5],
        [0.0, 1.0, 0.2],
        [0.02, 0.02, 0.02],
        [1.0, 1.0],
        rng.random(12).round(6).tolist(),
        (rng.random(40) ** 4).round(9).tolist(),
    ]
    return [
        {"p": values, "adjusted": multipletests(values, method="holm")[1].tolist()} for values in lists
    ]


# --- bootstrap ------------------------------------------------------------------------------------------------------


def bootstrap_cases(rng):
    """scipy.stats.bootstrap takes the interval of a given distribution of draws where n_resamples is 0."""
    cases = []
    rows = {
        "exponential mean": (rng.exponential(size=40).round(6), np.mean),
        "normal mean": (rng.normal(size=100).round(6), np.mean),
        "lognormal median": (rng.lognormal(size=31).round(6), np.median),
        "skewed spread": (rng.gamma(0.7, size=25).round(6), np.std),
    }
    for name, (data, statistic) in rows.items():
        first = stats.bootstrap(
            (data,), statistic, n_resamples=999, method="percentile", rng=np.random.default_rng(1), vectorized=False
        )
        draws = first.bootstrap_distribution.round(9)
        first.bootstrap_distribution = draws
        jackknife = [float(statistic(np.delete(data, i))) for i in range(len(data))]
        case = {
            "name": name,
            "point": float(statistic(data)),
            "draws": sorted(draws.tolist()),
            "jackknife": jackknife,
            "intervals": [],
        }
        for level in (0.9, 0.95):
            for method in ("percentile", "bca"):
                interval = stats.bootstrap(
                    (data,),
                    statistic,
                    n_resamples=0,
                    bootstrap_result=first,
                    method=method,
                    confidence_level=level,
                    vectorized=False,
                ).confidence_interval
                case["intervals"].append({"level": level, "method": method, "interval": [float(e) for e in interval]})
        cases.append(case)
    return cases


def main():
    rng = np.random.default_rng(SEED)
    document = {
        "versions": {
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "statsmodels": statsmodels.__version__,
            "mpmath": mpmath.__version__,
        },
        "binomial": binomial_cases(),
        "normal": normal_cases(),
        "proportion": proportion_cases(),
        "paired": paired_cases(),
        "power": power_cases(),
        "detectable": detectable_cases(),
        "holm": holm_cases(rng),
        "bootstrap": bootstrap_cases(rng),
    }
    path = Path(__file__).with_name("stats.json")
    path.write_text(json.dumps(document, indent=None, separators=(",", ":")).replace("},{", "},\n{") + "\n")


main()
