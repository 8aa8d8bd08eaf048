"""Errors that a user can correct; the CLI prints them as one paragraph, without a traceback.

An error is an id with fields; its sentences are in ``messages/``. One class per kind of
mistake, each with its own exit code (docs/decisions/0004-exit-codes.md).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sipas_analysis.messages import Language, say

SHOWN_PLACES = 10


@dataclass(frozen=True)
class Place:
    """Where a mistake is: file, row and column as a spreadsheet shows them, and the value.

    Attributes:
        file: Name of the file.
        row: Number of the row.
        column: Header of the column.
        value: Text of the cell.
        sheet: Name of the sheet, if the file has several.
        letter: Letter of the column; with the row it names the cell (``O9``).
    """

    file: str
    row: int | None = None
    column: str = ""
    value: str = ""
    sheet: str = ""
    letter: str = ""

    def text(self, language: Language) -> str:
        """Return the place as a short phrase, leaving out what is not known."""
        parts = {"row": self.row, "column": self.column, "value": self.value and repr(self.value)}
        phrases = [say(language, f"place.{key}", it=part) for key, part in parts.items() if part]
        return ", ".join([self.file, *phrases])


class SipasError(ValueError):
    """Base class: an id, the fields of its sentence, and the places of the mistake."""

    exit_code = 10

    def __init__(self, message_id: str, places: Iterable[Place] = (), **fields: object) -> None:
        self.message_id, self.places, self.fields = message_id, tuple(places), fields
        super().__init__(self.text("en"))

    def text(self, language: Language) -> str:
        """Return the paragraph in one language; a field given in both languages is a dict."""
        shown = "; ".join(place.text(language) for place in self.places[:SHOWN_PLACES])
        more = len(self.places) - SHOWN_PLACES
        if more > 0:
            shown += "; " + say(language, "place.more", n=more)
        fields: dict[str, object] = {"n": len(self.places), "places": shown}
        for name, value in self.fields.items():
            fields[name] = value[language] if isinstance(value, dict) else value
        return say(language, f"error.{self.message_id}", **fields)


class FileError(SipasError):
    """A file or sheet is missing, empty or cannot be read."""

    exit_code = 11


class AnswerError(SipasError):
    """Some answers are neither blank nor a level of the scale."""

    exit_code = 12


class ColumnError(SipasError):
    """A column is missing, named twice, or unknown."""

    exit_code = 13


class UnitError(SipasError):
    """A unit is unknown, without forms, or wrongly listed."""

    exit_code = 14


class ConfigError(SipasError):
    """A wave.yaml or a pack has a wrong key or value; ``at`` is the path of the key."""

    exit_code = 15

    def __init__(
        self,
        message_id: str,
        places: Iterable[Place] = (),
        at: tuple[str, ...] = (),
        **fields: object,
    ) -> None:
        self.at = at
        super().__init__(message_id, places, **fields)


class FormError(SipasError):
    """Form ids repeat, or no form is left."""

    exit_code = 16


class ParameterError(SipasError):
    """A notebook was given an unknown parameter, or a parameter is missing."""

    exit_code = 17


class NotebookError(SipasError):
    """A notebook stopped before its end."""

    exit_code = 18


class OutputError(SipasError):
    """An output folder or file cannot be written."""

    exit_code = 19


class DesignError(SipasError):
    """A sample cannot have been drawn, weighted or read as declared."""

    exit_code = 21


class FitError(SipasError):
    """No model can be fitted to these data, or the arguments describe no model."""

    exit_code = 22


class ReceiptError(SipasError):
    """A receipt or an archive is missing, unreadable, or of another version."""

    exit_code = 23


class SeveralError(SipasError):
    """There are mistakes of more than one kind; all are listed."""

    exit_code = 20

    def __init__(self, errors: Iterable[SipasError]) -> None:
        self.errors = tuple(errors)
        super().__init__("several", [place for error in self.errors for place in error.places])

    def text(self, language: Language) -> str:
        """Return the paragraphs of all errors, one after another."""
        return " ".join(error.text(language) for error in getattr(self, "errors", ()))
