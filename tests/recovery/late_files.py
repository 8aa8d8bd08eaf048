"""Stays of dossiers with planted officials: one honest with hard files, one late again (T6)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

HARD = (4, 5)  # procedures of six that are late six times as often
LATE_RATE = {"easy": 0.06, "hard": 0.36}
USED_ODDS = np.array([0.6, 1.0, 1.8, 3.5, 7.0])  # by class of the limit used on arrival
USED_SHARE = np.array([0.35, 0.3, 0.2, 0.1, 0.05])


@dataclass(frozen=True)
class Office:
    """What is true of the simulated office.

    Attributes:
        n_units: Units; each has two sections.
        n_officials: Officials of each section.
        stays: Mean number of stays of an official.
        between: Spread of the log odds of honest officials.
        sections: Spread of the log odds of sections.
        hard_share: Part of hard files of the honest official; others have what is left of them.
        factor: How many times the odds of being late of the late official are those of others.
        has_own_procedures: Whether procedures are known to one section only.
    """

    n_units: int = 6
    n_officials: int = 4
    stays: int = 120
    between: float = 0.15
    sections: float = 0.3
    hard_share: float = 0.85
    factor: float = 4.0
    has_own_procedures: bool = False


def simulate_cells(office: Office, seed: int) -> pd.DataFrame:
    """Return like stays by official: ``h0`` is honest with hard files, ``h1`` late again."""
    rng = np.random.default_rng(seed)
    n_sections = 2 * office.n_units
    n_all = n_sections * office.n_officials
    section = np.repeat(np.arange(n_sections), office.n_officials)
    place = np.tile(np.arange(office.n_officials), n_sections)
    is_honest = (section == 0) & (place == 0)
    is_late = (section == 1) & (place == 0)
    names = np.array([f"o{at:03d}" for at in range(n_all)], dtype=object)
    names[is_honest], names[is_late] = "h0", "h1"
    effect = rng.normal(0, office.between, n_all)
    effect[is_honest] = 0.0
    effect[is_late] = np.log(office.factor)
    of_section = rng.normal(0, office.sections, n_sections)
    share_hard = np.where(section == 0, 0.08, 0.25)
    share_hard[is_honest] = office.hard_share
    who = np.repeat(np.arange(n_all), rng.poisson(office.stays, n_all))
    is_hard = rng.random(len(who)) < share_hard[who]
    procedure = np.where(is_hard, rng.integers(4, 6, len(who)), rng.integers(0, 4, len(who)))
    if office.has_own_procedures:
        procedure += 10 * section[who]
    used = rng.choice(5, len(who), p=USED_SHARE)
    channel = rng.choice(3, len(who), p=[0.6, 0.3, 0.1])
    rate = np.where(is_hard, LATE_RATE["hard"], LATE_RATE["easy"])
    odds = rate / (1 - rate) * USED_ODDS[used] * np.exp(effect[who] + of_section[section[who]])
    stays = pd.DataFrame(
        {
            "unit": section[who] // 2,
            "handler": names[who],
            "step": "examine",
            "section": section[who],
            "procedure": procedure,
            "channel": channel,
            "used": used,
            "late": (rng.random(len(who)) < odds / (1 + odds)).astype(int),
        }
    )
    keys = ["unit", "handler", "step", "section", "procedure", "channel", "used"]
    return stays.groupby(keys)["late"].agg(n="size", late="sum").reset_index()


OFFICES = {
    "as described": Office(),
    "officials differ more (0.3)": Office(between=0.3),
    "officials do not differ": Office(between=0.0),
    "sections differ more (0.8)": Office(sections=0.8),
    "procedures of one section only": Office(has_own_procedures=True),
    "one unit": Office(n_units=1),
    "20 units": Office(n_units=20),
    "60 stays an official": Office(stays=60),
    "8 officials of 250 stays": Office(n_officials=8, stays=250),
    "late by half as much": Office(factor=2.0),
}
