"""A fast simulator of clean waves, apart from the package's own: a Gaussian factor model.

A person has five factors that correlate 0.75; an item is √0.75 of its factor and noise; the answer
is the latent against a unit's thresholds. Nothing is written to a file.
"""

import numpy as np
import pandas as pd
from scipy.stats import norm

from sipas_analysis.collect.survey import LEDGER_COLUMNS, Survey
from sipas_analysis.collect.wave import Wave
from sipas_analysis.instrument.pack import Instrument

SIZES = {"A": 4, "B": 5, "C": 6, "D": 3, "E": 4}
ITEMS = [f"{factor}{k}" for factor, n in SIZES.items() for k in range(1, n + 1)]
FACTOR = np.repeat(np.arange(len(SIZES)), [*SIZES.values()])
STEPS = (-1.1, -0.55, 0.0, 1.25)  # levels 2, 3, 4, 5 beside the threshold of level 4


def pack(low=1, high=5, satisfied_from=4):
    """Return an instrument of 22 items in five factors with an overall item."""
    scale = {"low": str(low), "high": str(high), "satisfied_from": str(satisfied_from)}
    return Instrument.model_validate(
        {
            "id": "simulated",
            "title": {"en": "Simulated"},
            "source": "made for tests",
            "status": "unverified",
            "scale": scale,
            "factors": {factor: {"en": factor} for factor in SIZES},
            "items": {item: {"factor": item[0]} for item in ITEMS},
            "overall_item": {"code": "OVERALL"},
        }
    )


def survey(frame, instrument):
    """Return forms as a survey; ``unit`` is made if missing, items not asked are blank."""
    wave = Wave.model_validate(
        {
            "id": "simulated",
            "title": {"en": "Simulated"},
            "year": "2026",
            "instrument": "simulated.yaml",
            "responses": [{"file": "answers.csv"}],
            "outcome": "OVERALL",
        }
    )
    asked = frame.reindex(columns=[*ITEMS, "OVERALL"])
    unit = frame["unit"] if "unit" in frame else pd.Series("all", frame.index)
    codes = sorted(unit.unique())
    units = pd.DataFrame({"code": codes, "name_vi": codes, "group": "districts"})
    ledger = pd.DataFrame(columns=list(LEDGER_COLUMNS))
    whole = asked.assign(unit=unit, group="districts")
    return Survey(wave, instrument, units, whole, ledger, len(frame), {})


def latent(n, rng, correlation=0.75, share=0.75):
    """Draw item latents with variance 1, shape (n, 22)."""
    person = rng.standard_normal((n, 1))
    own = rng.standard_normal((n, len(SIZES)))
    factors = np.sqrt(correlation) * person + np.sqrt(1 - correlation) * own
    noise = rng.standard_normal((n, len(ITEMS)))
    return np.sqrt(share) * factors[:, FACTOR] + np.sqrt(1 - share) * noise


def clean_wave(rng, n_units=29, n_forms=30, satisfied=(0.79, 0.95), blank=0.02):
    """Draw one honest wave: units differ in level, items in difficulty; 2 % blanks."""
    share = rng.uniform(*satisfied, n_units)
    unit = np.repeat(np.arange(n_units), n_forms)
    cut = norm.ppf(1 - share)[unit, None] + rng.normal(0, 0.12, len(ITEMS))
    above = latent(len(unit), rng) - cut
    answers = 1.0 + sum(above > step for step in STEPS)
    answers[rng.random(answers.shape) < blank] = np.nan
    names = [f"u{number:02d}" for number in unit]
    return pd.DataFrame(answers, columns=ITEMS).assign(unit=names)
