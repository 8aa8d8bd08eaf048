"""Read the questions of an XLSForm: sheets `survey` and `choices`, as KoboToolbox and ODK use them.

The form is the source of wording, of the order of answers and of groups; answers stand elsewhere.
"""

from collections.abc import Iterator, Mapping, Sequence

from sipas_analysis.instrument.pack_draft import DraftColumn
from sipas_analysis.messages import Language

Row = Mapping[str, str]
SCALE_LENGTH = 11


def read_questions(
    survey: Sequence[Row], choices: Sequence[Row], language: Language
) -> list[DraftColumn]:
    """Return the questions with choices, and those of free text, in the order of the form.

    Args:
        survey: Rows of the sheet ``survey``, by column: type, name, label.
        choices: Rows of the sheet ``choices``: list_name, name, label.
        language: Language of the labels, where the form has several.
    """
    lists: dict[str, dict[str, str]] = {}
    for row in choices:
        name = row.get("list_name") or row.get("list name", "")
        lists.setdefault(name, {})[row.get("name", "")] = find_label(row, language)
    columns, groups = [], [""]
    for row in survey:
        kind, _, list_name = row.get("type", "").strip().partition(" ")
        if kind in ("begin_group", "begin"):
            groups.append(find_label(row, language))
        elif kind in ("end_group", "end") and len(groups) > 1:
            groups.pop()
        answers = lists.get(list_name.split(" ")[0], {}) if kind.startswith("select_") else {}
        if kind == "range":
            answers = {str(level): "" for level in _read_range(row.get("parameters", ""))}
        if kind == "text":
            name, label = row.get("name", ""), find_label(row, language)
            columns.append(DraftColumn(name, label, {}, is_choice=False))
        if answers:
            many = kind == "select_multiple"
            columns.append(_make_column(row, answers, groups[-1], many, language))
    return columns


def find_label(row: Row, language: Language) -> str:
    """Return the label of a row in a language, else in any, else its name."""
    labels = {head: text for head, text in row.items() if head.startswith("label") and text}
    of_language = [text for head, text in labels.items() if head.rstrip(")").endswith(language)]
    return next(iter([*of_language, *labels.values()]), row.get("name", ""))


def _make_column(
    row: Row, answers: Mapping[str, str], group: str, many: bool, language: Language
) -> DraftColumn:
    """Return one question; numbers as names of choices are their levels."""
    is_numbered = all(name.isdigit() for name in answers)
    if is_numbered and not many and len(answers) <= SCALE_LENGTH:
        written = [f"{name}. {label}" if label else name for name, label in answers.items()]
    else:
        written = list(answers.values())
    name = row.get("name", "")
    return DraftColumn(
        header=name,
        wording=find_label(row, language),
        texts={text.casefold(): text for text in written},
        code=name,
        group=group,
        choice_codes=dict(zip(written, answers, strict=True)),
        many=many,
    )


def _read_range(parameters: str) -> Iterator[int]:
    """Yield the levels of a question of type ``range``: ``start=0 end=10 step=1``."""
    pairs = dict(part.partition("=")[::2] for part in parameters.split())
    start, end = pairs.get("start", "1"), pairs.get("end", "10")
    if start.isdigit() and end.isdigit() and int(end) < SCALE_LENGTH:
        yield from range(int(start), int(end) + 1)
