"""Apply the rules of a wave to rows and columns: joins, ticked choices, rows left out, counts.

Each step is an entry of the ledger. A question that stands in several columns (``join``, or one
column per choice) is placed under one header first; its columns are put together after the rows
that the wave leaves out are gone.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sipas_analysis.arguments import find_nearest
from sipas_analysis.collect.cells import Cells, list_places, map_texts
from sipas_analysis.collect.columns import REST, PlacedColumns, is_personal
from sipas_analysis.collect.days import find_day_order, make_day_reader
from sipas_analysis.collect.readings import (
    NO_CHOICE,
    OTHER,
    Reader,
    find_choice,
    fold_answer,
    list_choices,
    make_choice_reader,
)
from sipas_analysis.collect.responses import ROLES, Columns
from sipas_analysis.collect.wave import Wave
from sipas_analysis.errors import AnswerError, ConfigError, DesignError, Place, SipasError, shorten
from sipas_analysis.instrument.pack import Indicator, Instrument
from sipas_analysis.sheets.texts import fold_text

MOST_FORMS = 5_000_000
_TICKED = {"1", "true", "yes", "y", "x", "v", "có", "✓"}
_NOT_TICKED = {"", "0", "false", "no", "n", "không"}
_OPTION = re.compile(r"^(?P<question>.+?)\s*(?:/(?P<option>[^/]+)|\[(?P<boxed>[^\[\]]+)\])$")


@dataclass(frozen=True)
class SplitQuestion:
    """A question that stands in several columns of a file.

    Attributes:
        code: Code of the item, indicator, key or role.
        header: Header under which the question is placed.
        headers: The columns.
        choices: The choice that a tick in each column means; empty if each column holds answers.
    """

    code: str
    header: str
    headers: tuple[str, ...]
    choices: tuple[str, ...] = ()


def find_split_questions(
    headers: Iterable[str], columns: Columns, pack: Instrument
) -> list[SplitQuestion]:
    """Return the questions that the wave joins, and those with a column for each choice."""
    header_by_text = {fold_text(header): header for header in headers}
    questions, ignored = [], {fold_text(name) for name in columns.ignore}
    for code, names in columns.join.items():
        present = [header_by_text[text] for text in map(fold_text, names) if text in header_by_text]
        questions += [SplitQuestion(code, present[0], tuple(present))] if present else []
    for code, indicator in pack.indicators.items():
        if indicator.kind == "many":
            wording, choices = indicator.wording, list_choices(indicator)
            names = (code, indicator.vi, indicator.en, wording.vi, wording.en)
            declared = columns.indicators.get(code, "")
            texts = {fold_text(name) for name in (*names, declared) if name}
            recodes = [words for name, words in columns.recode.items() if fold_text(name) in texts]
            for text, word in (pair for words in recodes for pair in words.items()):
                choices[fold_answer(text)] = find_choice(indicator, word) or ""
            ticks = {
                header: choice if choice != NO_CHOICE else option
                for text, header in header_by_text.items()
                if (parts := _OPTION.match(text))
                and text not in ignored
                and not texts.isdisjoint(_list_names(parts["question"]))
                and (option := fold_answer(parts["option"] or parts["boxed"]))
                and (choice := choices.get(option))
            }
            whole = [h for text, h in header_by_text.items() if texts & {*_list_names(text)}]
            header = (*whole, declared or code)[0]
            header += "/*" * (fold_text(header) in ignored)  # what stands there is not read
            if ticks:
                questions.append(SplitQuestion(code, header, tuple(ticks), tuple(ticks.values())))
    return questions


def _list_names(text: str) -> tuple[str, str]:
    """Return a folded header with its groups and without."""
    return text, text.rpartition("/")[2]


def place_split_questions(
    headers: Iterable[str], questions: Sequence[SplitQuestion], columns: Columns, pack: Instrument
) -> tuple[list[str], Columns]:
    """Return the headers to be placed, one for each split question, and columns that say so."""
    hidden = {header for question in questions for header in question.headers}
    shown = dict.fromkeys([*headers, *(question.header for question in questions)])
    hidden -= {question.header for question in questions}
    for question in questions:
        code, header = question.code, question.header
        if code in ROLES:
            columns = columns.model_copy(update={code: header})
        else:
            part = "indicators" if code in pack.indicators else "items"
            part = "keys" if code in columns.keys else part
            joined = {**getattr(columns, part), code: header}
            columns = columns.model_copy(update={part: joined})
    return [header for header in shown if header not in hidden], columns


def put_together(
    cells: Cells, questions: Sequence[SplitQuestion], columns: Columns, pack: Instrument
) -> None:
    """Put the columns of each split question into one column of text, under its header."""
    for question in questions:
        if question.choices:
            indicator = pack.indicators[question.code]
            words = columns.find_words(question.code, question.header)
            gathered = _gather_choices(cells, question, indicator)
            _add_choices(cells, question, gathered, make_choice_reader(indicator, *words))
        else:
            _join_versions(cells, question)


def _join_versions(cells: Cells, question: SplitQuestion) -> None:
    """Take each form's answer from the column that holds it; refuse two that differ."""
    answer = cells.raw[question.header].astype(object)
    for header in question.headers:
        texts, folded = cells.raw[header].astype(object), map_texts(cells.raw[header], fold_answer)
        before = map_texts(answer, fold_answer)
        differs = (folded != "") & (before != "") & (folded != before)
        cells.refuse_rows("join_differs", header, differs)
        answer = answer.where(before != "", texts)
        cells.note_column(header, "joined", str((folded != "").sum()), question.code)
    cells.raw[question.header] = answer


def _gather_choices(
    cells: Cells, question: SplitQuestion, indicator: Indicator
) -> "pd.Series[str]":
    """Return one column of several choices from a column of ticks for each choice.

    A form with a 0 in some column was asked: without a tick it is answered, with no choice.
    """
    gathered = pd.Series("", index=cells.raw.index, dtype=object)
    is_asked = pd.Series(False, index=cells.raw.index)
    for header, choice in zip(question.headers, question.choices, strict=True):
        folded = map_texts(cells.raw[header], fold_answer)
        texts = {text for text, code in list_choices(indicator).items() if code == choice}
        ticked = folded.isin(_TICKED | texts)
        if choice == find_choice(indicator, OTHER):  # its column may hold the words themselves
            ticked |= ~folded.isin(_NOT_TICKED)
        cells.refuse_rows("choice", header, ~ticked & ~folded.isin(_NOT_TICKED))
        gathered = gathered.where(~ticked, gathered + ";" + choice)
        is_asked |= folded != ""
        cells.note_column(header, "joined", str(ticked.sum()), f"{question.code}: {choice}")
    return gathered.str.removeprefix(";").mask(is_asked & (gathered == ""), NO_CHOICE)


def _add_choices(
    cells: Cells, question: SplitQuestion, gathered: "pd.Series[str]", read: Reader
) -> None:
    """Place what the ticks say where the column of all choices is blank; refuse what differs.

    A choice without a column of its own, and a text that is no choice, cannot be compared. Where
    such a text stands beside a tick and no blank, the ticks count.
    """
    whole = cells.raw.get(question.header, pd.Series("", index=cells.raw.index)).astype(object)

    def list_ticked(text: str) -> str | None:
        reading = read(text)
        chosen = str(reading.value or "").split(";")
        ticked = [choice for choice in dict.fromkeys(question.choices) if choice in chosen]
        return ", ".join(ticked) or "–" if reading.ok and fold_text(text) else None

    of_whole, of_ticks = map_texts(whole, list_ticked), map_texts(gathered, list_ticked)
    differs = of_whole.notna() & of_ticks.notna() & (of_whole != of_ticks)
    places = [
        cells.table.place(int(row), question.header, f"{of_whole[row]} ≠ {of_ticks[row]}")
        for row in np.asarray(cells.raw.index)[differs]
    ]
    cells.wrong.setdefault("choices_differ", []).extend(places)
    is_blank = map_texts(whole, fold_text) == ""
    has_ticks = of_ticks.notna() & (of_ticks != "–")
    has_ticks &= (cells.raw[[*question.headers]] != "").all(axis=1)
    is_unread = ~is_blank & of_whole.isna() & has_ticks
    n, rows = int(is_unread.sum()), np.asarray(cells.raw.index)[is_unread]
    became, reasons = np.asarray(gathered[is_unread]), ["choices_unread"] * n
    cells.note_changes(question.header, rows, [""] * n, became, reasons, code=question.code)
    cells.raw[question.header] = whole.where(~is_blank & ~is_unread, gathered)


def leave_rows_out(cells: Cells, placed: PlacedColumns, wave: Wave, dates: str = "") -> None:
    """Leave out the rows that ``only`` and ``leave_out`` of the wave name, each with its reason.

    A day is named as 2024-09-20, however the column of days writes it.
    """
    header_by_name = {fold_text(str(header)): str(header) for header in cells.raw}
    for part in (placed.items, placed.indicators, placed.roles, placed.keys):
        header_by_name |= {fold_text(code): header for code, header in part.items()}
    for headers in (placed.unknown, placed.system):
        headers[:] = [h for h in headers if fold_text(h) not in _fold_rule_names(wave)]
    for reason, rules in (("only", wave.only), ("leave_out", wave.leave_out)):
        for name, texts in rules.items():
            header = header_by_name.get(fold_text(name))
            if header is None:
                continue
            folded = map_texts(cells.raw[header], fold_answer)
            is_named = folded.isin({fold_answer(text) for text in texts})
            if header == placed.roles.get("date"):
                is_named |= _read_days(cells.raw[header], dates or wave.dates, wave).isin(texts)
            is_out = ~is_named if reason == "only" else is_named
            if reason == "only" and len(is_out) and is_out.all():
                cells.wrong.setdefault("only_none", []).append(cells.table.place(column=header))
            is_shown = not is_personal(header) and header != placed.roles.get("dossier")
            cells.leave_rows_out(is_out, header, reason, is_shown=is_shown)
            if reason == "leave_out" and not is_out.any():
                cells.note_column(header, "leave_out_none", "; ".join(texts))
    cells.names |= {*header_by_name}


def _read_days(texts: "pd.Series[str]", dates: str, wave: Wave) -> "pd.Series[str]":
    """Return the day of each text as 2024-09-20; a column that may be read in two ways has none."""
    order, unclear = find_day_order(texts.unique(), wave.collected.start, wave.collected.end)
    read = make_day_reader(dates or order)
    return map_texts(texts, lambda text: None if unclear and not dates else read(text).value)


def _fold_rule_names(wave: Wave) -> dict[str, str]:
    """Return the names that ``only`` and ``leave_out`` use, by folded text."""
    return {fold_text(name): name for name in (*wave.only, *wave.leave_out)}


def find_absent_names(wave: Wave, present: set[str]) -> SipasError | None:
    """Return an error for names of rules and of parts of ``columns:`` that no file has."""
    names = _fold_rule_names(wave)
    for columns in map(wave.columns_of, wave.responses):
        joined = [name for headers in columns.join.values() for name in headers]
        listed = (*columns.ignore, *columns.blank, *columns.recode, *columns.items.values())
        names |= {fold_text(name): name for name in (*listed, *joined)}
    absent = [name for folded, name in names.items() if folded not in {*present, REST}]
    if not absent:
        return None
    texts = []
    for name in absent:
        close = find_nearest(fold_text(name), present, least=0.5)
        texts.append(" ≈ ".join(f"“{shorten(text)}”" for text in (name, close) if text))
    return ConfigError("names_absent", [Place(wave.path.name)], names="; ".join(texts))


def repeat_forms(frame: pd.DataFrame, wave: Wave) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Repeat each row as often as ``columns: count`` says; a row of count 0 goes to the ledger."""
    origin = frame[["file", "row"]]
    if "count" not in frame:
        return frame, origin.iloc[:0]
    count = frame["count"].fillna(1).astype("int64")
    if count.sum() > MOST_FORMS:
        places = [Place(str(file), column=wave.columns.count) for file in origin["file"].unique()]
        raise AnswerError("count_total", places, total=int(count.sum()), most=MOST_FORMS)
    ledger = origin[count == 0].assign(
        column=wave.columns.count, found="0", became="", reason="count_zero"
    )
    repeated = frame.drop(columns="count").loc[frame.index.repeat(count)]
    return repeated.reset_index(drop=True), ledger


def drop_short_forms(
    frame: pd.DataFrame, wave: Wave, pack: Instrument
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Drop forms that answer too few items; return the other forms, and the ledger of the drops."""
    n_answered = frame[pack.rated_codes].notna().sum(axis=1)
    is_short = n_answered < wave.min_answered
    dropped = frame.loc[is_short, ["file", "row"]].assign(
        column="", found=n_answered[is_short].astype(str), became="", reason="form_dropped"
    )
    return frame[~is_short] if is_short.any() else frame, dropped


def part_dossiers(forms: pd.DataFrame) -> tuple[pd.DataFrame, "pd.Series[str] | None"]:
    """Return forms without the codes of their dossiers, and the codes; None without the role."""
    return forms.drop(columns="dossier", errors="ignore"), forms.get("dossier")


def check_sample(frame: pd.DataFrame, wave: Wave) -> None:
    """Refuse forms without stratum, cluster or fpc, and an fpc that varies within its stratum.

    Raises:
        DesignError: With the file and row of each form.
    """
    for role in ("stratum", "cluster", "fpc"):
        if role in frame and frame[role].isna().any():
            blank = frame[frame[role].isna()]
            header = getattr(wave.columns, role) or role
            raise DesignError("stratum_blank", list_places(blank, header))
    if "fpc" in frame:
        strata = frame["stratum"] if "stratum" in frame else pd.Series("", index=frame.index)
        usual = frame["fpc"].groupby(strata).transform(lambda fpc: fpc.mode()[0])
        differs = frame["fpc"] != usual
        if differs.any():
            header = wave.columns.fpc or "fpc"
            raise DesignError("sample_fpc", list_places(frame[differs], header, "fpc"))
