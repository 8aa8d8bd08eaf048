"""Make an instrument of the columns that arguments name, for answers that no pack describes.

The index of such an instrument has the usual rules: a person is satisfied with one of the two best
levels (M1), answers are pooled (M2, M3). Nothing is guessed from the answers.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real

from sipas_analysis.arguments import check_mapping, list_known, list_names
from sipas_analysis.errors import ColumnError, ConfigError
from sipas_analysis.instrument.pack import OVERALL, RESERVED, Instrument
from sipas_analysis.instrument.strict_yaml import Bilingual, check_model
from sipas_analysis.messages import LANGUAGES, say

Ends = tuple[int, int] | Sequence[int]  # lowest and highest level
Scales = Ends | Mapping[str, Ends]  # of all columns, or by column or factor
Satisfied = int | Mapping[str, int] | None  # the lowest satisfied level, or by column or factor
Label = str | Mapping[str, str] | Bilingual  # in one language, or {"vi": …, "en": …}
Labels = Mapping[str, Label]
Factors = Mapping[str, str | Sequence[str] | Mapping[str, object]]  # columns; or a dict, see below
USUAL_ENDS = (1, 5)  # of a column that ``scale`` does not name
COLUMNS_KEY = "items"  # of a factor with names: ``{"vi": …, "en": …, "items": [columns]}``
PACK_ID = "data-frame"


def make_pack(
    items: Labels,
    factors: Mapping[str, Sequence[str]],
    overall: Labels,
    *,
    scale: Scales,
    overall_scale: Ends | None,
    satisfied: Satisfied,
    reverse: Sequence[str],
    title: Label = "",
    factor_names: Labels | None = None,
) -> Instrument:
    """Return the instrument of some columns.

    Args:
        items: Label of each item by its column, which is its code.
        factors: Items of each factor.
        overall: The column of the question on the whole, with its label; empty if there is none.
        scale: Lowest and highest level; of a dict, 1 to 5 where it names neither column nor factor.
        overall_scale: Those of the question on the whole, if they differ.
        satisfied: Lowest satisfied level; the second best if none. A number is one of the items'
            scale: the question on the whole with another scale keeps its second best.
        reverse: Columns in which the highest level is the worst.
        title: Title of the survey, which its questions have too.
        factor_names: Name of each factor that has another than its key.

    Raises:
        ColumnError: A factor names no item, or an item is in two factors.
        ConfigError: A scale or a satisfied level is wrong, a factor mixes scales, or a name has
            two meanings.
    """
    _check_questions([*items, *overall], factors, scale, satisfied, reverse)
    factor_of = _assign_factors(items, factors)
    if satisfied is not None and not isinstance(satisfied, Mapping):
        usual = {code: _find_scale(scale, None, code, factor_of.get(code, "")) for code in items}
        _check_one_scale(usual, satisfied)
    scales = {code: _find_scale(scale, satisfied, code, factor_of.get(code, "")) for code in items}
    for factor, codes in factors.items():
        ends = {code: f"{scales[code]['low']}–{scales[code]['high']}" for code in codes}
        if len({*ends.values()}) > 1:
            listed = ", ".join(f"{code}: {text}" for code, text in ends.items())
            raise ConfigError("frame_factor_scales", factor=factor, scales=listed)
    reversed_codes = {*reverse}
    questions = {
        code: {**read_label(code, label), "reverse": code in reversed_codes}
        for code, label in {**items, **overall}.items()
    }
    facts: dict[str, object] = {
        "id": PACK_ID,
        "title": read_title(title, "frame.pack"),
        "source": "",
        "status": "unverified",
        "scale": next(iter(scales.values())),
        "factors": {
            factor: read_label(factor, (factor_names or {}).get(factor, factor), "factors")
            for factor in factors
        },
        "items": {
            code: {**questions[code], "scale": scales[code], "factor": factor_of.get(code, "")}
            for code in items
        },
    }
    for column in overall:
        whole = scale if overall_scale is None else overall_scale
        own_scale = _find_overall_scale(whole, satisfied, column, next(iter(scales.values())))
        code = f"{OVERALL}_item" if column == OVERALL else column
        facts["overall_item"] = {**questions[column], "code": code, "scale": own_scale}
    _check_names(items, overall, factors)
    return check_model(facts, Instrument)


def _check_questions(
    columns: Sequence[str],
    factors: Iterable[str],
    scale: Scales,
    satisfied: Satisfied,
    reverse: Iterable[str],
) -> None:
    """Refuse names of an argument that are no column of a question, nor a factor."""
    by_name = {"scale": scale, "satisfied": satisfied}
    named = {role: [*names] for role, names in by_name.items() if isinstance(names, Mapping)}
    for role, names in {**named, "reverse": [*reverse]}.items():
        questions = [*columns, *(() if role == "reverse" else factors)]
        for name in names:
            if name not in questions:
                known = list_known(name, questions)
                raise ColumnError("frame_question", role=role, name=name, known=known)


def _assign_factors(items: Labels, factors: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the factor of each item; refuse what is no item, or in two factors."""
    factor_of: dict[str, str] = {}
    for factor, codes in factors.items():
        for code in codes:
            if code not in items:
                known = list_known(code, items)
                raise ColumnError("frame_factor", factor=factor, column=code, known=known)
            if factor_of.setdefault(code, factor) != factor:
                both = f"{factor_of[code]}, {factor}"
                raise ColumnError("frame_factor_twice", column=code, factors=both)
    return factor_of


def _check_names(items: Iterable[str], overall: Iterable[str], factors: Iterable[str]) -> None:
    """Refuse a column or factor that has the name of something else."""
    taken = {*RESERVED, OVERALL, "level", "variable"}
    for name in [*items, *(column for column in overall if column != OVERALL), *factors]:
        if name in taken:
            raise ConfigError("frame_name", name=name)
        taken.add(name)


def _find_scale(scale: Scales, satisfied: Satisfied, column: str, factor: str) -> dict[str, int]:
    """Return the lowest, highest and lowest satisfied level of a column.

    Satisfied are the two best levels (M1), or the best of two, if nothing else is said.
    """
    ends = scale
    if isinstance(scale, Mapping):
        ends = scale.get(column, scale.get(factor, USUAL_ENDS))
    if isinstance(ends, range):
        ends = (ends[0], ends[-1])
    levels = [_read_level(end) for end in ends] if isinstance(ends, tuple | list) else []
    if len(levels) != 2 or not levels[0] < levels[1]:
        raise ConfigError("frame_scale", column=column, found=repr(ends))
    low, high = int(levels[0]), int(levels[1])
    least = satisfied
    if isinstance(satisfied, Mapping):
        least = satisfied.get(column, satisfied.get(factor))
    from_level = max(low + 1, high - 1) if least is None else _read_level(least)
    if not low < from_level <= high:
        found = repr(least)
        raise ConfigError("frame_satisfied", column=column, found=found, low=low, high=high)
    return {"low": low, "high": high, "satisfied_from": int(from_level)}


def _check_one_scale(scales: Mapping[str, Mapping[str, int]], satisfied: object) -> None:
    """Refuse one satisfied level for items of several scales."""
    ends: dict[str, str] = {}  # the first item of each scale
    for code, scale in scales.items():
        ends.setdefault(f"{scale['low']}–{scale['high']}", code)
    if len(ends) > 1:
        listed = ", ".join(f"{code}: {text}" for text, code in ends.items())
        raise ConfigError("frame_satisfied_scales", found=repr(satisfied), scales=listed)


def _find_overall_scale(
    scale: Scales, satisfied: Satisfied, column: str, of_items: Mapping[str, int]
) -> dict[str, int]:
    """Return the levels of the question on the whole; see ``_find_scale``.

    A satisfied level that is a number belongs to the scale of the items, not to another one.
    """
    usual = _find_scale(scale, None, column, "")
    is_same = all(usual[end] == of_items[end] for end in ("low", "high"))
    if isinstance(satisfied, Mapping) or is_same:
        return _find_scale(scale, satisfied, column, "")
    return usual


def read_title(title: Label, usual: str) -> dict[str, str]:
    """Return a title by language; the message ``usual`` if there is none."""
    texts = read_label("title", title, "title") if title else {}
    return texts or {language: say(language, usual) for language in LANGUAGES}


def read_factors(factors: object) -> tuple[dict[str, list[str]], dict[str, Label]]:
    """Return the columns of each factor, and the names of those that have another than their key.

    A factor is a column, a list of columns, or a dict of its names and columns.

    Raises:
        ConfigError: Such a dict lacks its columns, or has a key that is no language.

    Example:
        >>> read_factors({"F1": {"vi": "Tiếp cận", "en": "Access", "items": ["A1", "A2"]}})[0]
        {'F1': ['A1', 'A2']}
    """
    check_mapping(factors or {}, "factors", "factors")
    columns: dict[str, list[str]] = {}
    names: dict[str, Label] = {}
    for key, given in dict(factors or {}).items():  # type: ignore[call-overload]
        factor, listed = str(key), given
        if isinstance(given, Mapping):
            texts = {name: text for name, text in given.items() if name != COLUMNS_KEY}
            if COLUMNS_KEY not in given or not {*texts} <= {*LANGUAGES}:
                raise ConfigError(
                    "frame_factor_keys", factor=factor, found=", ".join(map(str, given))
                )
            listed = given[COLUMNS_KEY]
            names |= {factor: read_label(factor, texts, "factors")} if texts else {}
        columns[factor] = list_names(listed, "factors")
    return columns, names


def read_label(column: str, label: object, role: str = "items") -> dict[str, str]:
    """Return a text by language; a single text is in both. ``role`` is the argument it is from."""
    if isinstance(label, str):
        return {"vi": label, "en": label}
    if isinstance(label, Bilingual):
        return {"vi": label.vi, "en": label.en}
    texts = dict(label) if isinstance(label, Mapping) else {}
    is_text = all(isinstance(text, str) for text in texts.values())
    if not texts or not is_text or not {*texts} <= {*LANGUAGES}:
        raise ConfigError("frame_wording", column=column, found=repr(label), role=role)
    return texts


def _read_level(value: object) -> float:
    """Return a whole number of any kind, such as 5, 5.0 or one of numpy; NaN if it is none."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return math.nan
    return float(value) if float(value).is_integer() else math.nan
