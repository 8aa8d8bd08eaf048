"""Name the terms of a formula for readers: ``C(Q('age'))[T.35-59]`` is ``age: 35-59``."""

import re
from collections.abc import Callable

from sipas_analysis.explain.formula import INTERCEPT
from sipas_analysis.messages import Language, say

TIMES = " × "
AGAINST_FIRST = "T."  # how the usual coding marks a level
OTHER_CODINGS = ("S.", ".")  # against the mean, polynomials: these keep the text of the formula
VARIABLE = re.compile(r"""^(?:C\()?(?:Q\((?P<q>['"])(?P<quoted>.*)(?P=q)\)|(?P<plain>[^(),'"]*))""")


def name_term(
    code: str,
    name_variable: Callable[[str], str],
    name_level: Callable[[str, str], str],
    language: Language,
) -> str:
    """Return the name of a term: variables and levels by name, an interaction with × between.

    A function of a variable, such as ``np.log(x)``, stays as it is.

    Args:
        code: Name of the coefficient, as in the table of a fit.
        name_variable: Gives the name of a variable; of an unknown one the same text.
        name_level: Gives the name of a level of a variable.
        language: Language of the intercept.

    Example:
        >>> name_term("C(Q('age group'))[T.35-59]:x", str, lambda key, level: level, "en")
        'age group: 35-59 × x'
    """
    if code == INTERCEPT:
        return say(language, "result.term.intercept")
    if name_variable(code) != code:
        return name_variable(code)
    parts = [_read_part(part) for part in _split_outside(code, ":")]
    names = []
    for variable, level in parts:
        name = name_variable(variable)
        names.append(f"{name}: {name_level(variable, level)}" if level else name)
    return TIMES.join(names)


def _read_part(part: str) -> tuple[str, str]:
    """Return the variable of a part of a term and its level; an empty level where it has none."""
    start = _find_outside(part, "[")
    if start > 0 and part.endswith("]"):
        level, variable = part[start + 1 : -1], read_variable(part[:start])
        is_plain = not (level.startswith(OTHER_CODINGS) or variable.endswith(")"))
        return (variable, level.removeprefix(AGAINST_FIRST)) if is_plain else (part, "")
    key, equals, level = part.partition("=")
    is_dummy = bool(key and equals) and not level.startswith("=") and not set("()'\"") & set(key)
    return (key, level) if is_dummy else (read_variable(part), "")


def read_variable(text: str) -> str:
    """Return the column that ``C(…)``, ``Q('…')`` or both name; other texts stay as they are."""
    match = VARIABLE.match(text)
    if match is None or (rest := text[match.end() :]) == text:
        return text
    is_category = text.startswith("C(")
    is_whole = rest == "" if not is_category else rest == ")" or rest.startswith((",", " ,"))
    return (match["quoted"] or match["plain"]).strip() if is_whole else text


def _split_outside(text: str, mark: str) -> list[str]:
    """Return the parts of a text between marks that stand outside of brackets and quotes."""
    at = _find_outside(text, mark)
    return [text] if at < 0 else [text[:at], *_split_outside(text[at + 1 :], mark)]


def _find_outside(text: str, mark: str) -> int:
    """Return where a mark first stands outside of brackets and quotes; -1 if nowhere.

    A level ends at a square bracket before a colon or the end; all else in it is text.
    """
    depth, quote, is_level = 0, "", False
    for at, sign in enumerate(text):
        if is_level:
            is_level = not (sign == "]" and text[at + 1 : at + 2] in ("", ":"))
        elif quote:
            quote = "" if sign == quote else quote
        elif sign == mark and depth == 0:
            return at
        elif sign in "'\"`":
            quote = sign
        else:
            depth += (sign == "(") - (sign == ")")
            is_level = sign == "[" and depth == 0
    return -1
