"""Make the synthetic answers that part1.R and this package both read: `python make.py`.

Nothing here is tuned: 240 forms in three units, correlated answers, blanks, unequal weights. A3 is
asked of nobody in unit c, and every answer to C2 in unit a is satisfied, so that the rules for
both have a figure to meet.
"""

from pathlib import Path

import numpy as np
import pandas as pd

ITEMS = ("A1", "A2", "A3", "B1", "B2", "C1", "C2")
HERE = Path(__file__).parent


def main() -> None:
    rng = np.random.Generator(np.random.PCG64(20171010))
    unit = np.repeat(["a", "b", "c"], [100, 80, 60])
    n = len(unit)
    person = rng.normal(size=(n, 1)) + np.where(unit == "b", -0.4, 0.3)[:, None]
    factor = np.repeat(rng.normal(size=(n, 3)), [3, 2, 2], axis=1)
    latent = 0.7 * person + 0.5 * factor + rng.normal(0, 0.6, (n, len(ITEMS)))
    levels = 1 + np.digitize(latent, [-1.6, -1.0, -0.4, 0.7])
    whole = person[:, 0] + 0.6 * factor[:, 3] + rng.normal(0, 0.5, n)
    levels[unit == "a", -1] = np.maximum(levels[unit == "a", -1], 4)
    frame = pd.DataFrame(levels, columns=[*ITEMS]).astype("Int64")
    frame["OVERALL"] = pd.array(1 + np.digitize(whole, [-1.8, -1.1, -0.3, 0.9]), dtype="Int64")
    blank = rng.random((n, len(ITEMS) + 1)) < np.linspace(0.02, 0.12, len(ITEMS) + 1)
    blank[unit == "c", ITEMS.index("A3")] = True
    blank[5, : len(ITEMS)] = [True] * 3 + [False] * 4
    frame = frame.mask(blank)
    frame.insert(0, "weight", np.round(rng.gamma(4, 1.5, n) + 0.2, 2))
    frame.insert(0, "unit", unit)
    frame.insert(0, "form", [f"F{number:03d}" for number in range(1, n + 1)])
    frame.to_csv(HERE / "answers.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
