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
        n_late: Late officials, each in a section of its own: ``h1``, ``h2`` …
        batches: Weeks in which the files of an official arrive; 0: in any of 52.
        bad_weeks: Share of weeks, drawn by official, with ``bad_odds`` times the odds.
        are_shared: Whether bad weeks are those of the whole section.
        exposure: Spread of the log of the number of stays of other officials.
        unseen: Times the odds of files that are hard in ways no column tells; their share of an
            official's files is logit-normal(−1.5, 1).
    """

    n_units: int = 6
    n_officials: int = 4
    stays: int = 120
    between: float = 0.15
    sections: float = 0.3
    hard_share: float = 0.85
    factor: float = 4.0
    has_own_procedures: bool = False
    n_late: int = 1
    batches: int = 0
    bad_weeks: float = 0.0
    bad_odds: float = 1.0
    are_shared: bool = False
    exposure: float = 0.0
    unseen: float = 1.0


def simulate_cells(office: Office, seed: int) -> pd.DataFrame:
    """Return like stays by official: ``h0`` is honest with hard files, ``h1`` late again."""
    rng = np.random.default_rng(seed)
    n_sections = 2 * office.n_units
    n_all = n_sections * office.n_officials
    section = np.repeat(np.arange(n_sections), office.n_officials)
    is_first = np.tile(np.arange(office.n_officials), n_sections) == 0
    is_honest = (section == 0) & is_first
    is_late = (section > 0) & (section <= office.n_late) & is_first
    names = np.array([f"o{at:03d}" for at in range(n_all)], dtype=object)
    names[is_honest], names[is_late] = "h0", [f"h{at}" for at in section[is_late]]
    effect = rng.normal(0, office.between, n_all)
    effect[is_honest], effect[is_late] = 0.0, np.log(office.factor)
    of_section = rng.normal(0, office.sections, n_sections)
    share_hard = np.where(section == 0, 0.08, 0.25)
    share_hard[is_honest] = office.hard_share
    spread = np.where(is_honest | is_late, 0.0, office.exposure)
    stays = office.stays * np.exp(spread * rng.standard_normal(n_all) - spread**2 / 2)
    who = np.repeat(np.arange(n_all), rng.poisson(stays))
    is_hard = rng.random(len(who)) < share_hard[who]
    procedure = np.where(is_hard, rng.integers(4, 6, len(who)), rng.integers(0, 4, len(who)))
    if office.has_own_procedures:
        procedure += 10 * section[who]
    used = rng.choice(5, len(who), p=USED_SHARE)
    rate = np.where(is_hard, LATE_RATE["hard"], LATE_RATE["easy"])
    odds = rate / (1 - rate) * USED_ODDS[used] * np.exp(effect[who] + of_section[section[who]])
    week, of_week = _draw_weeks(office, who, section, rng)
    odds = odds * of_week * _draw_unseen(office, who, is_honest | is_late, rng)
    columns = {
        "unit": section[who] // 2,
        "handler": names[who],
        "step": "examine",
        "section": section[who],
        "procedure": procedure,
        "channel": rng.choice(3, len(who), p=[0.6, 0.3, 0.1]),
        "used": used,
        "arrived": week,
        "due": week,
    }
    is_counted = (rng.random(len(who)) < odds / (1 + odds)).astype(int)
    cells = pd.DataFrame(columns).assign(late=is_counted).groupby([*columns])["late"]
    return cells.agg(n="size", late="sum").reset_index()


def _draw_weeks(office, who, section, rng):
    """Return the week of each stay, and how many times the odds it has."""
    n_all = len(section)
    week = rng.integers(0, 52, len(who))
    if office.batches:
        weeks = rng.integers(0, 52, (n_all, office.batches))
        week = weeks[who, rng.integers(0, office.batches, len(who))]
    is_bad = rng.random((n_all, 52)) < office.bad_weeks
    if office.are_shared:
        is_bad = is_bad[section * office.n_officials]
    return week, np.where(is_bad[who, week], office.bad_odds, 1.0)


def _draw_unseen(office, who, is_planted, rng):
    """Return how many times the odds each stay has for what no column tells."""
    share = 1 / (1 + np.exp(-rng.normal(-1.5, 1, len(is_planted))))
    share[is_planted] = 1 / (1 + np.exp(1.5))
    return np.where(rng.random(len(who)) < share[who], office.unseen, 1.0)


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
    "five late officials": Office(n_late=5),
    "bad weeks": Office(bad_weeks=0.06, bad_odds=12),
    "bad weeks of sections": Office(bad_weeks=0.06, bad_odds=12, are_shared=True),
    "batches in 8 weeks": Office(batches=8, bad_weeks=0.1, bad_odds=12),
    "batches in 8 weeks, very bad": Office(batches=8, bad_weeks=0.06, bad_odds=60),
    "unequal numbers of stays (1.2)": Office(exposure=1.2, bad_weeks=0.06, bad_odds=20),
    "unseen hardness": Office(unseen=6, exposure=0.8),
    "unseen hardness and bad weeks": Office(unseen=6, exposure=0.8, bad_weeks=0.06, bad_odds=12),
}
