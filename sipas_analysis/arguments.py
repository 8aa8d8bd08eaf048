"""Check the arguments of public functions, so that a mistake gets one sentence with its cure.

The kind of an argument is refused here, before anything is computed. The sentences are in
``messages/``: ``kind.*`` says what an argument must be, ``cure.*`` what to write instead.
"""

import difflib
import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from inspect import isclass, isroutine
from numbers import Integral, Real
from os import PathLike
from typing import TYPE_CHECKING

from sipas_analysis.errors import ConfigError, ParameterError, SipasError, hide_personal, shorten
from sipas_analysis.messages import LANGUAGES, Language, join_first, read_catalogue, say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHOWN_NAMES = 12
LONGEST_PART, LONGEST_PATH = 255, 4000  # bytes of a path that file systems can hold
_NO_NAME = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def find_nearest(text: object, names: Iterable[object], least: float = 0.6) -> str:
    """Return the name that is nearest to a misspelt one, whatever its case; empty if none is near.

    Args:
        text: What was written.
        names: The names that there are.
        least: Likeness, 0 to 1, from which a name counts as near.

    Example:
        >>> find_nearest("Overal", ["overall", "unit"]), find_nearest("age", ["overall", "unit"])
        ('overall', '')
    """
    by_folded = {str(name).casefold(): str(name) for name in names}
    close = difflib.get_close_matches(str(text).casefold(), by_folded, n=1, cutoff=least)
    return by_folded[close[0]] if close else ""


def list_known(text: object, names: Iterable[object]) -> dict[Language, str]:
    """Return the names that there are, and the nearest one to a misspelt name, in each language."""
    known = [str(name) for name in names]
    shown = join_first(known, SHOWN_NAMES, ", ")
    close = find_nearest(text, known)
    if not close:
        return dict.fromkeys(LANGUAGES, shown)
    return {
        language: say(language, "known.near", known=shown, close=close) for language in LANGUAGES
    }


def describe_value(value: object) -> str:
    """Return what a wrong argument is: its text or number, or its type."""
    if isclass(value) or isroutine(value):
        return f"{getattr(value, '__qualname__', type(value).__name__)}, not called"
    if value is None or isinstance(value, bool | int | float | str):
        return shorten(hide_personal(repr(value)))
    name, room = type(value).__name__, type(value).__module__.partition(".")[0]
    return name if room in ("builtins", "pandas", "numpy", "sipas_analysis") else f"{room} {name}"


def refuse_kind(
    value: object, kind: str, role: str, error: Callable[..., SipasError] = ParameterError
) -> SipasError:
    """Return the error of an argument of a wrong kind, with the cure for what it is.

    Args:
        value: The wrong argument.
        kind: What it must be, the end of a message id ``kind.*``.
        role: Name of the argument.
        error: Class of the error.
    """
    catalogue, found = read_catalogue("en"), _name_kind(value)
    cure = next(
        message
        for message in (f"cure.{kind}.{found}", f"cure.any.{found}", f"cure.{kind}")
        if message in catalogue
    )
    fields = {"role": role, "found": describe_value(value)}
    texts = {
        name: {language: say(language, message, **fields) for language in LANGUAGES}
        for name, message in (("kind", f"kind.{kind}"), ("cure", cure))
    }
    return error("kind", **fields, wanted=texts["kind"], cure=texts["cure"])


def _name_kind(value: object) -> str:
    """Return the kind of a wrong argument as messages name it: a lower-case word."""
    if isclass(value) or isroutine(value):
        return "routine"
    name = type(value).__name__
    if name in ("DataFrame", "LazyFrame", "Series") and "pandas" not in type(value).__module__:
        return "foreign"
    if str(getattr(value, "dtype", "")) in ("bool", "boolean"):
        return "mask"
    return "path" if name.endswith("Path") else name.lower()


def check_kind(
    value: object,
    wanted: type | tuple[type, ...],
    kind: str,
    role: str = "",
    error: Callable[..., SipasError] = ParameterError,
) -> None:
    """Refuse an argument that is no ``wanted``; see ``refuse_kind``."""
    if not isinstance(value, wanted):
        raise refuse_kind(value, kind, role or kind, error)


def list_names(names: object, role: str = "variables", kind: str = "names") -> list[str]:
    """Return the names of columns that an argument gives: one, several or (None) none.

    Args:
        names: A name, or a list, tuple, set, dict or pandas Index of names.
        role: Name of the argument.
        kind: What is named, the end of a message id ``kind.*``.

    Raises:
        ParameterError: It is a column or a mask instead of its name, a number or anything else.
    """
    if isinstance(names, str):
        return [names]
    if names is None:
        return []
    is_values = type(names).__name__ in ("Series", "DataFrame", "LazyFrame")
    if is_values or _name_kind(names) == "mask" or not isinstance(names, Iterable):
        raise refuse_kind(names, kind, role)
    listed = list(names)
    for name in listed:
        if not isinstance(name, str):
            raise refuse_kind(name, kind, role)
    return listed


def check_name(name: object, role: str) -> None:
    """Refuse what is not the name of one column, where one may be given or left out."""
    if not (name is None or isinstance(name, str)):
        raise refuse_kind(name, "name", role)


def check_count(value: object, role: str) -> None:
    """Refuse what is no whole number from 0."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 0:
        raise refuse_kind(value, "count", role)


def check_number(value: object, role: str) -> None:
    """Refuse what is no number; yes/no is none."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise refuse_kind(value, "number", role)


def read_numbers(values: object, role: str) -> "NDArray[np.float64]":
    """Return the numbers of an array, a list or a Series, or refuse what are none."""
    import numpy as np

    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as why:
        raise refuse_kind(values, "numbers", role) from why


def check_path(value: object, role: str = "path") -> None:
    """Refuse what is no path, such as what was read from one."""
    check_kind(value, (str, PathLike), "path", role)


def check_file_name(name: str) -> str:
    """Return a name, path or pattern of files; refuse one that no file can have.

    Raises:
        ConfigError: A control character, or more bytes than a file system can hold.

    Example:
        >>> check_file_name("records/*.csv")
        'records/*.csv'
    """
    encoded = name.encode("utf-8", "replace")
    longest = max(len(part) for part in encoded.split(b"/"))
    if _NO_NAME.search(name) or longest > LONGEST_PART or len(encoded) > LONGEST_PATH:
        raise ConfigError("file_name")
    return name


def check_level(level: object, role: str = "level") -> None:
    """Refuse a confidence that does not lie between 0 and 1."""
    if isinstance(level, str | bool) or not hasattr(level, "__float__"):
        raise refuse_kind(level, "level", role)
    if not 0 < float(level) < 1:
        raise ParameterError("interval_level", found=f"{float(level):g}")


def check_word(
    word: object,
    known: Iterable[Hashable],
    role: str,
    error: Callable[..., SipasError] = ParameterError,
) -> None:
    """Refuse a word that is not one of those that an argument may have."""
    words = list(known)
    if not isinstance(word, Hashable) or word not in words:
        known_words = list_known(word, words)
        raise error("word", role=role, found=describe_value(word), known=known_words)


def check_mapping(value: object, kind: str, role: str) -> None:
    """Refuse what is no mapping, such as a dict; a pandas Series counts as one."""
    if not (isinstance(value, Mapping) or type(value).__name__ == "Series"):
        raise refuse_kind(value, kind, role)
