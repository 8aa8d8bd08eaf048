"""Parts of ``wave.yaml`` of a few keys each: the decision, days, repeated forms, the sample."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from sipas_analysis.collect.responses import Texts
from sipas_analysis.errors import ConfigError
from sipas_analysis.infer.design import Lonely
from sipas_analysis.instrument.pack import Status
from sipas_analysis.instrument.strict_yaml import Bilingual, Day, Statement, Strict


def _check_number(number: str) -> str:
    """Refuse the number of a decision that is still as it was drafted."""
    if "…" in number or "..." in number:
        raise ConfigError("decision_number")
    return number


class Decision(Strict):
    """The decision that publishes the results, if there is one."""

    number: Annotated[str, AfterValidator(_check_number)]
    date: Day = None
    status: Status = "unverified"


class Collected(Strict):
    """First and last day of fieldwork."""

    start: Day = Field(default=None, alias="from")
    end: Day = Field(default=None, alias="to")


class Duplicates(Strict):
    """What becomes of forms that were handed in twice.

    Attributes:
        drop: Files whose repeated forms are dropped.
        keep: Files whose repeated forms are counted.
        because: Why they are counted; printed in the report.
    """

    drop: Texts = ()
    keep: Texts = ()
    because: Statement = Bilingual()


class Acceptance(Strict):
    """Who accepted the forms of a unit that needed a second look, and why."""

    by: Statement
    because: Statement


class Sampling(Strict):
    """How strata and clusters of the sample are to be read (rules V1 and V5)."""

    lonely: Lonely = "fail"
    nested: Literal["true", "false"] = "true"
