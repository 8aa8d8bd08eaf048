"""Name the terms of a formula for readers: ``C(Q('age'))[T.35-59]`` is ``age: 35-59``.

Names come from the questionnaire of a survey, or from ``labels=``.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from sipas_analysis.arguments import refuse_kind
from sipas_analysis.collect.survey import Survey
from sipas_analysis.explain.formula import INTERCEPT
from sipas_analysis.infer.printed_result import TERM, Printing
from sipas_analysis.instrument.column_pack import Label, read_label
from sipas_analysis.instrument.pack import Instrument
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.instrument.wording import IN_PLACE, list_wording, repeats_code
from sipas_analysis.messages import Language, say

Labels = Survey | Instrument | Mapping[str, Label] | None
Style = Literal["code", "text", "both"]
TIMES = " × "
CUT = "|"  # between the two levels of a cut point of an ordinal logit
AGAINST_FIRST = "T."  # how the usual coding marks a level
OTHER_CODINGS = ("S.", ".")  # against the mean, polynomials: these keep the text of the formula
FUNCTION = re.compile(r"[\w.]+\(.*\)$")  # such as ``poly(x)``; a name has a blank before "("
VARIABLE = re.compile(
    r"""^(?:C\()?(?:Q\((?P<q>['"])(?P<quoted>.*)(?P=q)\)|`(?P<ticked>[^`]*)`|(?P<plain>[^(),'"`]*))"""
)


def read_labels(labels: Labels) -> dict[str, Bilingual]:
    """Return the wording that ``labels=`` gives: of a survey, of a questionnaire, or by code.

    A name that a user gives stands in place of the code of a variable or of one of its levels.

    Raises:
        ParameterError: ``labels`` is of another kind.
        ConfigError: A name is neither a text nor ``{"vi": …, "en": …}``.

    Example:
        >>> read_labels({"age": "Age in years"})["label:age"].en
        'Age in years'
    """
    if labels is None:
        return {}
    if isinstance(labels, Survey):
        return dict(labels.wording)
    if isinstance(labels, Instrument):
        return list_wording(labels)
    if not isinstance(labels, Mapping):
        raise refuse_kind(labels, "names_by_code", "labels")
    texts = {str(code): read_label(str(code), label, "labels") for code, label in labels.items()}
    return {f"{IN_PLACE}{code}": Bilingual(**text) for code, text in texts.items()}


@dataclass(frozen=True)
class TermNames:
    """Names of terms in one language.

    Attributes:
        wording: Text by code; under ``label:<code>`` a text that stands in place of the code,
            under ``<variable>:<level>`` that of a level.
        language: Language of the names.
        style: How a question is named: by its ``code``, its ``text``, or ``both``.
    """

    wording: Mapping[str, Bilingual]
    language: Language
    style: Style = "both"

    def name_variable(self, code: str) -> str:
        """Return the name of a variable."""
        label = self._find(f"{IN_PLACE}{code}")
        text = self._find(code)
        if label or self.style == "code" or text in ("", code):
            return label or code
        return f"{code} {text}" if self.style == "both" and not repeats_code(code, text) else text

    def name_level(self, variable: str, level: str) -> str:
        """Return the name of a level of a variable."""
        return self._find(f"{IN_PLACE}{level}") or self._find(f"{variable}:{level}") or level

    def name_term(self, code: str) -> str:
        """Return the name of a term of a formula."""
        return name_term(code, self.name_variable, self.name_level, self.language)

    def _find(self, key: str) -> str:
        text = self.wording.get(key)
        return text.text(self.language) if text else ""


def word_terms(terms: Iterable[object], printing: Printing) -> Printing:
    """Return how a table of coefficients is printed: its terms by name, their text beside them.

    Where headings are the names of columns, terms stay as the formula has them.
    """
    language = printing.language
    known = {} if printing.names_columns else printing.wording
    short, full = TermNames(known, language, "code"), TermNames(printing.wording, language, "text")
    names: dict[str, Bilingual] = {}
    for code in dict.fromkeys(map(str, terms)):
        name, text = short.name_term(code), full.name_term(code)
        names[f"{TERM}{code}"] = Bilingual(vi=name, en=name)
        names[code] = Bilingual() if text == name else Bilingual(vi=text, en=text)
    return replace(printing, wording={**printing.wording, **names})


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
    if _find_outside(code, CUT) > 0:
        return say(language, "result.term.cut", levels=code)
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
        is_function = variable == part[:start] and FUNCTION.match(variable) is not None
        is_plain = not (level.startswith(OTHER_CODINGS) or is_function)
        return (variable, level.removeprefix(AGAINST_FIRST)) if is_plain else (part, "")
    key, equals, level = part.partition("=")
    is_dummy = bool(key and equals) and not level.startswith("=") and not set("()'\"") & set(key)
    return (key, level) if is_dummy else (read_variable(part), "")


def read_variable(text: str) -> str:
    """Return the column that ``C(…)``, ``Q('…')`` or backticks name; other texts stay.

    Example:
        >>> read_variable("C(`age group`)"), read_variable("np.log(`a b`)")
        ('age group', 'np.log(`a b`)')
    """
    match = VARIABLE.match(text)
    if match is None or (rest := text[match.end() :]) == text:
        return text
    is_category = text.startswith("C(")
    is_whole = rest == "" if not is_category else rest == ")" or rest.startswith((",", " ,"))
    return (match["quoted"] or match["ticked"] or match["plain"]).strip() if is_whole else text


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
