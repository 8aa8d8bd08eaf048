"""Cells of a table of results: exact numbers with the decimals that are printed, and plain texts.

``model.Number`` is a published figure, rounded once. The cells here keep the number itself, so that
a workbook holds it unrounded while paper shows a few digits.
"""

from dataclasses import dataclass
from math import ceil, isfinite, isnan, log10

from sipas_analysis.documents.model import Part, Value, make_text
from sipas_analysis.messages import Language, format_number

MOST_DECIMALS = 9  # smaller numbers are written with a power of ten
FINE = 3  # decimals of numbers that are never printed as 0
TOO_LARGE = 1e15  # and so are larger ones
LEAST_CHANCE = 0.001


@dataclass(frozen=True)
class Plain(Value):
    """A text that is the same in all languages, such as a name or a caption of the user."""

    content: str

    def parts(self, language: Language) -> tuple[Part, ...]:  # noqa: ARG002 (as of any value)
        """Return the text as one part."""
        return (Part(self.content),)


@dataclass(frozen=True)
class Measured(Value):
    """A number, its decimals in print, and what is written before and after it.

    With three decimals or more, as coefficients have, a number that is not 0 is never printed as
    0: it gets two digits that are not 0.
    """

    value: float
    decimals: int = 0
    before: str = ""
    after: str = ""

    @property
    def shown_decimals(self) -> int:
        """Decimals in print; more for a number that is not 0 and would look like 0."""
        size = abs(self.value)
        is_seen = size >= 0.5 * 10**-self.decimals or self.decimals < FINE
        if not isfinite(size) or size == 0 or is_seen:
            return self.decimals
        return ceil(-log10(size)) + 1

    def parts(self, language: Language) -> tuple[Part, ...]:
        """Return one part: ``1,234.50``, ``(0.12)``, ``1.2e-12``; a dash if there is no number."""
        if isnan(self.value):
            return (Part("–"),)
        return (Part(f"{self.before}{self._write(language)}{self.after}"),)

    def _write(self, language: Language) -> str:
        is_extreme = self.shown_decimals > MOST_DECIMALS or abs(self.value) >= TOO_LARGE
        if not is_extreme or not isfinite(self.value):
            return format_number(float(self.value), language, self.shown_decimals)
        digits, power = f"{self.value:.1e}".split("e")
        return f"{format_number(float(digits), language, 1)}e{int(power):+d}"


@dataclass(frozen=True)
class Chance(Value):
    """A p value: three decimals, or ``<0.001``."""

    value: float

    def parts(self, language: Language) -> tuple[Part, ...]:
        """Return one part; a dash if there is no p."""
        if self.value < LEAST_CHANCE:
            return (Part(f"<{format_number(LEAST_CHANCE, language, 3)}"),)
        return (Part(format_number(float(self.value), language, 3)),)


@dataclass(frozen=True)
class Range(Value):
    """An interval with its ends: ``79.7 to 99.5``; of counts, equal ends are one number: ``3``."""

    low: Measured
    high: Measured
    is_count: bool = False

    def parts(self, language: Language) -> tuple[Part, ...]:
        """Return both ends with a word between; a dash if an end is missing."""
        if isnan(self.low.value) or isnan(self.high.value):
            return (Part("–"),)
        if self.is_count and self.low.value == self.high.value:
            return self.low.parts(language)
        return make_text("interval.between", low=self.low, high=self.high).parts(language)
