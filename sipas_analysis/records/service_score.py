"""Compute the points of Decision 766 that records of a province can show.

The pack lists groups and parts with their points, each with its status. A part that only the
national portal can know has no value: the whole score then lies between the points reached and
those reached with all of these (``low``, ``high``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from sipas_analysis.collect.responses import Code
from sipas_analysis.errors import ConfigError
from sipas_analysis.infer.result_table import ResultTable
from sipas_analysis.instrument.pack import Status
from sipas_analysis.instrument.strict_yaml import Bilingual, Strict, read_model
from sipas_analysis.records.indicators import INDICATORS, measure_indicator
from sipas_analysis.records.office_records import Records

PACK = Path(__file__).with_name("service_index.yaml")
TOTAL = 100.0
SCORE_COLUMNS = (
    *("group", "part", "indicator", "n", "value", "full_at"),
    *("points", "reached", "status"),
)


class ServicePart(Bilingual):
    """One part of a group.

    Attributes:
        points: Most points.
        full_at: Percentage that gives all points.
        indicator: Key of ``INDICATORS`` that shows it; none where ``missing`` says what it needs.
    """

    points: Annotated[float, Field(gt=0, le=TOTAL)]
    full_at: Annotated[float, Field(gt=0, le=100)] = 100.0
    status: Status
    indicator: str = ""
    missing: Bilingual = Bilingual()

    @model_validator(mode="after")
    def _check_indicator(self) -> "ServicePart":
        """Refuse a part with neither or both of an indicator and what is missing."""
        if (self.indicator in INDICATORS) == bool(self.missing.vi):
            raise ConfigError("service_part", indicator=self.indicator)
        return self


class ServiceGroup(Bilingual):
    """A group of parts."""

    parts: Mapping[Code, ServicePart]


class ServiceIndex(Strict):
    """The index of a decision: groups of parts whose points add up to 100."""

    id: Code
    name: Bilingual
    source: str
    status: Status
    groups: Mapping[Code, ServiceGroup]

    @model_validator(mode="after")
    def _check_points(self) -> "ServiceIndex":
        """Refuse parts whose points do not add up to 100."""
        points = sum(part.points for group in self.groups.values() for part in group.parts.values())
        if points != TOTAL:
            raise ConfigError("service_points", points=points)
        return self


@cache
def read_service_index() -> ServiceIndex:
    """Return the index of Decision 766 as the program knows it."""
    return read_model(PACK, ServiceIndex)


@dataclass(frozen=True, eq=False, repr=False)
class ServiceScore(ResultTable):
    """The score of Decision 766 by part.

    Attributes:
        frame: One row per part: ``group``, ``part``, ``indicator``, ``n`` (records that count),
            ``value`` (percent), ``full_at``, ``points`` (most), ``reached`` and ``status``. Of a
            part that is not known, value and points reached are missing.
    """

    frame: pd.DataFrame

    @property
    def known_points(self) -> float:
        """Most points of the parts that are known."""
        return float(self.frame.loc[self.frame["reached"].notna(), "points"].sum())

    @property
    def low(self) -> float:
        """Points if every part that is not known had none."""
        return float(self.frame["reached"].sum())

    @property
    def high(self) -> float:
        """Points if every part that is not known had all."""
        return self.low + TOTAL - self.known_points

    @property
    def percent(self) -> float:
        """Points reached as a percentage of those known; missing where nothing is known."""
        return 100 * self.low / self.known_points if self.known_points else np.nan


def score_service(records: Records) -> ServiceScore:
    """Compute the points of each part of Decision 766 from records.

    Points = most points · min(1, value / full_at), value = the percentage over the whole
    province. A part without records that count is not known.

    Args:
        records: Records of a wave.

    Returns:
        One row per part of the index, in its order.

    Source: rules T4, T7 and T8 in docs/method.md; the pack names what is ``unverified``.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> scored = score_service(sipas.read_records(survey))
        >>> 0 <= scored.low <= scored.high <= 100
        True
    """
    rows = []
    for group_code, group in read_service_index().groups.items():
        for code, part in group.parts.items():
            value, n = np.nan, np.nan
            if part.indicator:
                for row in measure_indicator(records, part.indicator, ()).to_numpy(float):
                    value, n = row
            reached = part.points * min(1.0, value / part.full_at) if n > 0 else np.nan
            facts = (group_code, code, part.indicator, n, value, part.full_at)
            rows.append((*facts, part.points, reached, part.status))
    return ServiceScore(pd.DataFrame(rows, columns=[*SCORE_COLUMNS]))
