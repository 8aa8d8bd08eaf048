"""The survey of the tutorial: 240 people in four offices, 12 questions, one on the whole.

python tests/made_answers.py        writes docs/answers.csv again
"""

from pathlib import Path

import numpy as np
import pandas as pd

ITEMS = [f"{part}{number}" for part in "ABC" for number in range(1, 5)]
FILE = Path(__file__).parents[1] / "docs" / "answers.csv"


def make_answers() -> pd.DataFrame:
    """Return 12 answers on 1 to 7 of 240 people in four offices, with some blanks, sex and age."""
    rng = np.random.default_rng(18)
    office = np.repeat([0, 1, 2, 3], 60)
    person = 0.9 * rng.normal(size=(240, 1)) + np.array([0.2, 0.0, 0.6, -0.5])[office, None]
    part = np.repeat(rng.normal(size=(240, 3)), 4, axis=1)
    latent = person + part + rng.normal(size=(240, 12))
    levels = pd.DataFrame(np.clip(np.rint(4.8 + latent), 1, 7), columns=ITEMS)
    whole = np.clip(np.rint(levels.mean(axis=1) + rng.normal(0, 0.8, 240)), 1, 7)
    levels = levels.mask(rng.random(levels.shape) < 0.04)
    levels.insert(0, "office", np.array(["tax", "land", "health", "labour"])[office])
    sex = np.where(rng.random(240) < 0.54, "f", "m")
    return levels.assign(whole=whole, sex=sex, age=rng.integers(18, 80, 240))


def write_answers(path: Path) -> None:
    """Write the answers as a CSV file of whole numbers."""
    answers = make_answers()
    levels = answers[[*ITEMS, "whole"]].astype("Int64")
    answers.assign(**levels).to_csv(path, index=False, lineterminator="\n")


if __name__ == "__main__":
    write_answers(FILE)
