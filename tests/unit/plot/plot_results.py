"""Results of the demo waves and of a questionnaire of one's own, computed once."""

from functools import cache

import matplotlib as mpl
import numpy as np
import pandas as pd
from conftest import read_demo

import sipas_analysis as sipas

mpl.use("agg")

NAME = "Ủy ban nhân dân xã Vĩnh Thạnh Trung thuộc huyện Châu Phú, bộ phận tiếp nhận hồ sơ"
FACTORS = {
    "Tiếp cận": ["Q0", "Q1"],
    "Thái độ phục vụ của công chức và viên chức khi tiếp nhận hồ sơ": ["Q2", "Q3"],
    "Kết quả": ["Q4", "Q5"],
}
FEW, SOME = 7, 5  # units: with too few people to be shown, to be ranked


def make_answers(n_units=40, seed=1, fall=0.0, few=3):
    """Return forms of many units with long names; units differ, one is small, one very small."""
    rng, parts = np.random.default_rng(seed), []
    for unit in range(n_units):
        n = {FEW: few, SOME: 20}.get(unit, 60)
        middle = 2.2 + 2.2 * unit / n_units - fall * (unit % 6 == 0)
        person = 0.5 * rng.normal(size=(n, 1))
        answers = np.clip(np.round(middle + person + 0.9 * rng.normal(size=(n, 6))), 1, 5)
        whole = middle + person[:, 0] + 0.5 * (answers[:, 0] - 3) + 0.5 * rng.normal(size=n)
        frame = pd.DataFrame(answers, columns=[f"Q{k}" for k in range(6)])
        part = frame.assign(
            whole=np.clip(np.round(whole), 1, 5), unit=f"{NAME} số {unit + 1} ($x$)"
        )
        parts.append(part.assign(sex=rng.choice(["Nam & <b>nam</b>", "Nữ"], n)))
    return pd.concat(parts, ignore_index=True)


@cache
def make_own(year, fall=0.0, n_units=40, few=3):
    """Return a survey of forms in memory."""
    answers = make_answers(n_units, year, fall, few)
    roles = {"overall": "whole", "unit": "unit", "keys": ["sex"]}
    return sipas.survey(answers, factors=FACTORS, id=f"wave-{year}", year=year, **roles)


def cached(compute):
    """Return a result that is computed when it is first used, and then once."""
    return cache(compute)


demo = cached(lambda: read_demo(2021))
own = cached(lambda: make_own(2024))
units = cached(lambda: sipas.score(demo(), by="unit"))
changes = cached(lambda: sipas.compare(read_demo(2020), demo()))
shown = cached(lambda: make_own(2024, n_units=14, few=40))  # no figure is hidden
own_changes = cached(lambda: sipas.compare(make_own(2023, fall=-0.9), own()))
priority = cached(lambda: sipas.priority(demo()))
models = cached(lambda: sipas.drivers(demo()))
quality = cached(lambda: sipas.reliability(demo(), factors=True, unit="unit"))
icc = cached(lambda: sipas.icc(demo()))
ranking = cached(lambda: sipas.rank(units()))
own_ranking = cached(lambda: sipas.rank(sipas.score(own(), by="unit")))
fits = cached(
    lambda: [
        sipas.fit(demo().design(), f"OVERALL ~ {terms}") for terms in ("A1", "A1 + A4 + C(sex)")
    ]
)
