"""Time exact importance and a weighted logit with design errors against what a user would pick.

    python benchmarks/drivers.py [--rounds 5] [--pingouin /path/of/python/that/has/pingouin]

LMG of 15 drivers on 5,000 forms, a province's wave: ours, with intervals and rank sets and without,
against plain enumeration (a least-squares fit of every coalition by numpy) and PyPI pingouin's
``linear_regression(relimp=True)``, which have none; R relaimpo is not to be had here. LMG of 22
drivers: ours alone. Logit of 1,000,000 forms, five drivers, weights and 2,000 clusters: ours,
declaring the design included, against statsmodels' GLM with cluster errors (times √(k/(k−1)), rule
D1); coefficients and errors are compared. Each part runs in a process of its own, which tells its
peak memory; ours and statsmodels' rounds alternate.
"""

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import combinations
from math import comb
from pathlib import Path

import numpy as np

HERE = Path(__file__)
PINGOUIN = """
import sys, time, json
import numpy as np, pandas as pd, pingouin
rng = np.random.default_rng(1)
n = int(sys.argv[1])
x = rng.standard_normal((n, 15)) + 0.8 * rng.standard_normal((n, 1))
y = x @ np.linspace(0.5, 0, 15) + rng.standard_normal(n)
start = time.perf_counter()
found = pingouin.linear_regression(pd.DataFrame(x), y, relimp=True)
took = time.perf_counter() - start
print(json.dumps({"times": [took], "values": found["relimp"].dropna().tolist(),
                  "version": f"pingouin {pingouin.__version__}"}))
"""


def related(p: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return p correlated drivers and an outcome; the same numbers as in PINGOUIN."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((n, p)) + 0.8 * rng.standard_normal((n, 1))
    return x, x @ np.linspace(0.5, 0, p) + rng.standard_normal(n)


def ours(p: int, n: int, rounds: int) -> dict[str, object]:
    import pandas as pd

    import sipas_analysis as sipas

    x, y = related(p, n)
    names = [f"x{k}" for k in range(p)]
    frame = pd.DataFrame(x, columns=names).assign(y=y)
    times: dict[bool, list[float]] = {True: [], False: []}
    for errors in [True, False] * rounds:
        start = time.perf_counter()
        importance = sipas.importance(sipas.Design(frame), "y", names, errors=errors)
        times[errors].append(time.perf_counter() - start)
    values = importance.frame["value"].tolist()
    return {"times": times[True], "plain": times[False], "values": values}


def enumerated(p: int, n: int) -> dict[str, object]:
    """Fit every coalition by least squares, then weigh the gains: the definition."""
    x, y = related(p, n)
    start = time.perf_counter()
    ones, centred = np.ones((len(y), 1)), ((y - y.mean()) ** 2).sum()
    r2 = {(): 0.0}
    for size in range(1, p + 1):
        for chosen in combinations(range(p), size):
            columns = np.hstack([ones, x[:, chosen]])
            beta = np.linalg.lstsq(columns, y, rcond=None)[0]
            r2[chosen] = 1 - ((y - columns @ beta) ** 2).sum() / centred
    values = [
        sum(
            (r2[tuple(sorted((*chosen, k)))] - r2[chosen]) / comb(p - 1, len(chosen))
            for chosen in r2
            if k not in chosen
        )
        / p
        for k in range(p)
    ]
    return {"times": [time.perf_counter() - start], "values": values, "r2": sum(values)}


def logits(rounds: int) -> dict[str, object]:
    import pandas as pd
    import statsmodels.api as sm

    import sipas_analysis as sipas

    rng, n, k = np.random.default_rng(1), 1_000_000, 2000
    x, place = rng.standard_normal((n, 5)), rng.integers(0, k, n)
    line = x @ [0.5, 0.3, 0.2, 0.1, 0.0] + 2 + 0.3 * rng.standard_normal(k)[place]
    frame = pd.DataFrame(x, columns=[*"abcde"]).assign(
        y=(rng.random(n) < 1 / (1 + np.exp(-line))) * 1.0, w=rng.uniform(0.5, 2, n), place=place
    )
    times: dict[str, list[float]] = {"ours": [], "statsmodels": []}
    for _ in range(rounds):
        start = time.perf_counter()
        design = sipas.Design(frame, weights="w", clusters="place")
        fit = sipas.fit(design, "y ~ a + b + c + d + e", "binomial")
        times["ours"].append(time.perf_counter() - start)
        start = time.perf_counter()
        model = sm.GLM(
            frame["y"],
            sm.add_constant(frame[[*"abcde"]]),
            sm.families.Binomial(),
            var_weights=frame["w"],
        )
        how = {"groups": frame["place"], "use_correction": False}
        other = model.fit(cov_type="cluster", cov_kwds=how)
        times["statsmodels"].append(time.perf_counter() - start)
    se = other.bse.to_numpy() * np.sqrt(k / (k - 1))
    gaps = [
        np.abs(fit.frame["value"] / other.params.to_numpy() - 1).max(),
        np.abs(fit.frame["se"] / se - 1).max(),
    ]
    return {"times": times, "gaps": [float(gap) for gap in gaps]}


def part(name: str, rounds: int) -> dict[str, object]:
    kind, _, n = name.partition("-")
    answer = {
        "ours": lambda: ours(15, int(n), rounds),
        "ours22": lambda: ours(22, int(n), min(rounds, 3)),
        "plain": lambda: enumerated(15, int(n)),
        "logits": lambda: logits(rounds),
    }[kind]()
    return answer | {"mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def run(command: list[str]) -> dict[str, object]:
    """Run one part in a process of its own; its last line is JSON."""
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def shares(n: int, run_part: Callable[[str], dict[str, object]], pingouin: str | None) -> list[str]:
    """Compare LMG of 15 drivers on n forms with the peers."""
    mine = run_part(f"ours-{n}")
    whole, base = (statistics.median(mine[name]) for name in ("times", "plain"))
    timed = f"{base:.4f} s; with intervals and rank sets {whole:.3f} s"
    lines = [f"LMG, 15 drivers, {n:,} forms: {timed}; {mine['mb']:.0f} MB"]
    peers = {"plain enumeration (numpy lstsq)": run_part(f"plain-{n}")}
    if pingouin:
        other = run([pingouin, "-c", PINGOUIN, str(n)])
        peers[other["version"]] = other
    for name, other in peers.items():
        took = statistics.median(other["times"])
        gap = np.abs(np.array(other["values"]) - mine["values"]).max()
        text = f"ours {took / base:.0f} times as fast, with intervals {took / whole:.0f}"
        text += f"; largest gap {gap:.0e}"
        lines.append(f"  {name}: {took:.1f} s, {text}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--part")
    parser.add_argument("--pingouin")
    given = parser.parse_args()
    if given.part:
        print(json.dumps(part(given.part, given.rounds)))
        return

    def run_part(name: str) -> dict[str, object]:
        return run([sys.executable, str(HERE), "--part", name, "--rounds", str(given.rounds)])

    machine = platform.processor() or platform.machine()
    lines = [
        (
            f"Python {platform.python_version()}, {machine}, numpy {np.__version__}, 2 cores; "
            f"medians of {given.rounds} rounds, peers of LMG once"
        ),
        *shares(5000, run_part, given.pingouin),
    ]
    late, both = run_part("ours22-5000"), run_part("logits")
    lines.append(
        f"LMG, 22 drivers, 4,194,304 coalitions, 5,000 forms, with intervals: "
        f"{statistics.median(late['times']):.2f} s, {late['mb']:.0f} MB"
    )
    times, gaps = both["times"], both["gaps"]
    mine, theirs = (statistics.median(times[name]) for name in ("ours", "statsmodels"))
    pairs = zip(times["ours"], times["statsmodels"], strict=True)
    lines += [
        f"Logit, 1,000,000 forms x 5 drivers, weights, 2,000 clusters: {mine:.2f} s",
        (
            f"  statsmodels GLM with cluster errors: {theirs:.2f} s, ours "
            f"{statistics.median(b / a for a, b in pairs):.1f} times as fast; largest relative gap "
            f"of coefficients {gaps[0]:.0e}, of errors {gaps[1]:.0e}; {both['mb']:.0f} MB for both"
        ),
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    (HERE.parent / "results" / "drivers.txt").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
