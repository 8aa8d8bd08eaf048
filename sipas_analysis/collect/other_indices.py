"""The part ``other_indices:`` of ``wave.yaml``: published figures that people compare with ours."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from sipas_analysis.errors import ConfigError
from sipas_analysis.instrument.pack import Status
from sipas_analysis.instrument.strict_yaml import Bilingual, Day, Statement, Strict


class OtherIndex(Strict):
    """One published figure on the same province.

    Attributes:
        kind: ``sipas``, a share of satisfied people; ``service``, points of Decision 766.
        name: What it is called.
        value: The figure, 0 to 100.
        start: First day of its period.
        end: Last day.
        population: Whom it is about.
        rule: How it was computed, as far as that is known.
        source: Where it was read.
        status: Whether it was read at its source.
    """

    kind: Literal["sipas", "service"]
    name: Statement
    value: Annotated[float, Field(ge=0, le=100)]
    start: Day = Field(default=None, alias="from")
    end: Day = Field(default=None, alias="to")
    population: Statement = Bilingual()
    rule: Statement = Bilingual()
    source: str = ""
    status: Status = "unverified"

    @model_validator(mode="after")
    def _check_period(self) -> "OtherIndex":
        """Refuse a figure without a last day, or a period that ends before it starts."""
        if self.end is None or (self.start or self.end) > self.end:
            raise ConfigError("other_index_period")
        return self

    @property
    def first_day(self) -> date | None:
        """First day of its period; the last day if none is stated."""
        return self.start or self.end
