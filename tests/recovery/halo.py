"""Draw waves in which the answers of one person are alike, and plant what the form checks look for.

Halo: a quarter to half of the forms give one answer to all items, in some units more often than in
others. The other answers follow a factor model in which people differ in how alike their answers
are. Units differ in level (88 to 99 % satisfied; one in ten near 100 %), in size and, item by item,
in profile. Nothing is fabricated unless a ``plant_`` function did so.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import norm
from simulated import FACTOR, ITEMS, STEPS, pack, survey

K = len(ITEMS)
LAYOUTS = {
    "10 units of 30": [30] * 10,
    "30 units of 30": [30] * 30,
    "10 units of 150": [150] * 10,
    "30 units of 150": [150] * 30,
    "40 units of 10 to 400": None,
    "4 units of 30": [30] * 4,
}
PACK = pack()


def draw_sizes(layout, rng):
    """Return the number of forms of each unit."""
    unequal = np.clip(np.exp(rng.normal(4, 0.8, 40)), 10, 400).astype(int)
    return np.asarray(LAYOUTS[layout] or unequal)


def draw_answers(
    rng, sizes, straight=(0.1, 0.35), satisfied=(0.88, 0.99), alike=0.03, profile=0.15
):
    """Draw answers (n, 22) and the unit of each form.

    ``straight`` is the range of the wave's share of people who give one answer whatever they are
    asked, ``alike`` the correlation of two people of a unit in that, ``profile`` how much an item
    of a unit departs (in standard deviations of a latent answer).
    """
    n_units, unit = len(sizes), np.repeat(np.arange(len(sizes)), sizes)
    share = rng.uniform(*satisfied, n_units)
    near_all = rng.choice(n_units, n_units // 10, replace=False)
    share[near_all] = rng.uniform(0.985, 0.995, len(near_all))
    level, spread = rng.uniform(*straight), (1 - alike) / alike
    share_straight = rng.beta(level * spread, (1 - level) * spread, n_units)[unit]
    is_straight = rng.random(len(unit)) < share_straight
    likeness = rng.choice([0.75, 0.85, 0.93], len(unit))[:, None]
    person = rng.standard_normal((len(unit), 1))
    factors = np.sqrt(0.8) * person + np.sqrt(0.2) * rng.standard_normal((len(unit), 5))
    noise = rng.standard_normal((len(unit), K))
    shift = norm.ppf(share)[unit, None]
    latent = np.sqrt(likeness) * factors[:, FACTOR] + np.sqrt(1 - likeness) * noise + shift
    latent += rng.normal(0, 0.12, K) + rng.normal(0, profile, (n_units, K))[unit]
    latent = np.where(is_straight[:, None], person + shift, latent)
    answers = 1.0 + sum((latent > step).astype(float) for step in STEPS)
    blank = (rng.random(answers.shape) < 0.02) & ~is_straight[:, None]
    return np.where(blank, np.nan, answers), unit


def draw_times(rng, unit, typed=0.0):
    """Draw when forms were filled in: a unit in 1 to 15 days, 5 % of people online until midnight.

    A share ``typed`` of the units have forms typed in sessions, one and a half minutes each.
    """
    n, n_units = len(unit), unit.max() + 1
    days = rng.integers(1, 16, n_units)[unit]
    seconds = rng.uniform(7.5, 17, n) * 3600
    is_online = rng.random(n) < rng.beta(2, 38, n_units)[unit]
    seconds = np.where(is_online, rng.uniform(6, 24, n) * 3600, seconds)
    moments = np.floor(rng.random(n) * days) * 86400 + seconds
    for number in np.flatnonzero(rng.random(n_units) < typed):
        at = np.flatnonzero(unit == number)
        session = np.arange(len(at)) // 25
        moments[at] = session * 86400 + 9 * 3600 + rng.exponential(90, len(at)).cumsum() % 10800
    return pd.Series(pd.Timestamp("2026-03-02") + pd.to_timedelta(moments.astype(int), unit="s"))


def draw_wave(rng, layout, typed=0.0, **how):
    """Draw one wave of a layout: answers, unit, time and one of three operators of each unit."""
    answers, unit = draw_answers(rng, draw_sizes(layout, rng), **how)
    return pd.DataFrame(answers, columns=ITEMS).assign(
        unit=[f"u{number:03d}" for number in unit],
        time=draw_times(rng, unit, typed).dt.strftime("%Y-%m-%dT%H:%M:%S"),
        operator=rng.choice(["a", "b", "c"], len(unit)),
    )


def as_survey(frame):
    """Return a wave as a survey, with hours and operators if the wave has them."""
    plain = survey(frame, PACK)
    places = {"file": "forms.csv", "row": np.arange(2, len(frame) + 2)}
    extra = frame[[name for name in ("time", "operator") if name in frame]]
    return replace(plain, frame=plain.frame.assign(**places).join(extra))


def choose_forms(frame, rng, share):
    """Return some of the forms of the first unit, at random."""
    at = np.flatnonzero(frame["unit"] == "u000")
    return rng.choice(at, max(2, round(share * len(at))), replace=False)


def plant_straight_lines(frame, rng, share):
    """Let a share of the forms of a unit give one answer, 4, to everything."""
    frame.loc[choose_forms(frame, rng, share), ITEMS] = 4.0


def change_answers(frame, rng, rows, most=2):
    """Change up to ``most`` answers of each of some forms by one level."""
    answers = frame[ITEMS].to_numpy().copy()
    for row in rows:
        items = rng.choice(K, rng.integers(0, most + 1), replace=False)
        steps = np.where(answers[row, items] == 5, -1, 1)
        answers[row, items] = np.where(
            np.isnan(answers[row, items]), 4, answers[row, items] + steps
        )
    frame[ITEMS] = answers


def count_exceptions(frame):
    """Return how many answers of each form are not its most frequent one."""
    answers = frame[ITEMS].to_numpy()
    most = np.max([(answers == level).sum(axis=1) for level in range(1, 6)], axis=0)
    return (~np.isnan(answers)).sum(axis=1) - most


def plant_copies(frame, rng, share):
    """Let a share of the forms of a unit be its most varied form, up to two answers changed."""
    source = int(np.argmax(np.where(frame["unit"] == "u000", count_exceptions(frame), -1)))
    rows = choose_forms(frame, rng, share)
    frame.loc[rows, ITEMS] = frame.loc[[source] * len(rows), ITEMS].to_numpy()
    change_answers(frame, rng, rows)


def plant_pairs(frame, rng, share):
    """Let a share of the forms of a unit each copy another form, up to two answers changed."""
    rows = choose_forms(frame, rng, share)
    sources = np.setdiff1d(np.flatnonzero(frame["unit"] == "u000"), rows)
    picked = rng.choice(sources, len(rows), replace=len(sources) < len(rows))
    frame.loc[rows, ITEMS] = frame.loc[picked, ITEMS].to_numpy()
    change_answers(frame, rng, rows)


def plant_operator(frame, rng, share):
    """Let one of three operators of a unit give one answer, 5, on a share of the forms."""
    is_theirs = (frame["unit"] == "u000") & (frame["operator"] == "a")
    rows = np.flatnonzero(is_theirs)
    frame.loc[rows[rng.random(len(rows)) < share], ITEMS] = 5.0


def plant_night(frame, rng, share):
    """Let a share of the forms of a unit be filled in on one evening between 22:00 and 23:00."""
    rows = choose_forms(frame, rng, share)
    evening = pd.Timestamp("2026-03-04T22:00:00")
    moments = evening + pd.to_timedelta(rng.integers(0, 3600, len(rows)), unit="s")
    frame.loc[rows, "time"] = moments.strftime("%Y-%m-%dT%H:%M:%S")


def plant_patterns(frame, rng, share):
    """Let a share of the forms of a unit read 4-5-4-5 to the end."""
    frame.loc[choose_forms(frame, rng, share), ITEMS] = np.tile([4.0, 5.0], K // 2)


def plant_full_marks(frame, rng, share):
    """Let all forms of a unit be satisfied with everything: 4 or 5, at random by person."""
    rows = choose_forms(frame, rng, share)
    frame.loc[rows, ITEMS] = np.maximum(frame.loc[rows, ITEMS].to_numpy(), 4.0)
