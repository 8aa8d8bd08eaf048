"""Plan a sample from a list of clients, and say what it can and cannot tell.

The list is read whole or refused; names, telephones and the like are never read (rule P1), and
only ids, units, strata and clusters are written. Nothing is written before all is computed.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from sipas_analysis.collect.columns import is_personal, read_vocabulary
from sipas_analysis.collect.readers import fold_text, read_rows, tidy_text
from sipas_analysis.documents.model import (
    Block,
    Bullets,
    Column,
    Document,
    Number,
    Paragraph,
    Section,
    Table,
    Text,
    make_text,
)
from sipas_analysis.documents.writers.html import write_html
from sipas_analysis.errors import (
    AnswerError,
    ColumnError,
    FormError,
    ParameterError,
    Place,
    UnitError,
)
from sipas_analysis.figures.published import write_tables
from sipas_analysis.files import check_writable
from sipas_analysis.infer.sample_draw import RESERVE, How, compare_returns, draw
from sipas_analysis.infer.sample_size import (
    Allocation,
    Method,
    allocate,
    detectable_difference,
    expected_margin,
    forms_to_tell,
    sample_size,
)
from sipas_analysis.messages import LANGUAGES, Language

# What the page assumes of an index: its items, and how alike the answers of one person are.
ITEMS, WITHIN = 22, 0.4
NEIGHBOURS = ("94.81", "94.59")  # ranks 1 and 2 of a published list of departments
WORST, NEAR = 0.5, 0.95
DECIMALS = {"margin_points": 1, "detectable_points": 1, "response_percent": 1}
OUT = Path("outputs/sample")


@dataclass(frozen=True)
class SampleOptions:
    """What the command line asks for; empty text and None are what was left out."""

    frame: Path
    out: Path | None = None
    error: float = 0.05
    deff: float = 1.0
    method: str = "yamane"
    allocate: str = ""
    total: int | None = None
    least: int = 0
    cost: int | None = None
    by: str = ""
    ids: str = ""
    count: str = ""
    draw: str = "simple"
    size: str = ""
    reserve: float = 0.2
    seed: int = 1
    returned: Path | None = None
    lang: str = ""


@dataclass(frozen=True)
class SamplePlan:
    """A plan by unit, the people drawn (None for counts) and what came back (None if not asked)."""

    plan: pd.DataFrame
    people: pd.DataFrame | None
    back: pd.DataFrame | None
    n_personal: int


def write_sample(asked: SampleOptions, language: Language) -> list[Path]:
    """Plan, draw and write a sample; return the files, the page last.

    Raises:
        SipasError: The list or an option cannot stand; then nothing is written.

    Source: rules S1, S2, S3 and P1 in docs/method.md.
    """
    _check_options(asked)
    folder = check_writable(asked.out or OUT)
    made = plan_and_draw(asked)
    tables = {"plan": made.plan}
    if made.people is not None:
        spare = made.people["status"] == RESERVE
        tables["sample"] = made.people[~spare].drop(columns="status")
        tables["reserve"] = made.people[spare].drop(columns=["status", "probability", "weight"])
    if made.back is not None:
        tables["achieved"] = made.back
    page = build_sample_page(asked, made)
    return [
        *write_tables(tables, folder),
        write_html(page, folder / f"sample.{language}.html", language),
    ]


def plan_and_draw(asked: SampleOptions) -> SamplePlan:
    """Read the list, plan each unit, draw, and hold what came back against the draw."""
    rows = read_rows(asked.frame).map(tidy_text)
    rows.attrs["file"] = file = asked.frame.name
    unit = _find_column(rows, asked.by, read_vocabulary()["roles"]["unit"], "unit", "--by")
    _refuse_rows(rows, unit, rows[unit] == "", "sample_blank", FormError)
    _refuse_rows(
        rows,
        unit,
        rows[unit].map(fold_text).isin(read_vocabulary()["totals"]),
        "total_row",
        FormError,
    )
    n_personal = sum(map(is_personal, rows.columns))
    if asked.count:
        if asked.returned:
            raise ParameterError("sample_returned_counts", file=file)
        return SamplePlan(
            plan_units(_read_counts(rows, unit, asked.count), asked), None, None, n_personal
        )
    ids = _find_column(rows, asked.ids, read_vocabulary()["roles"]["form"], "id", "--id")
    if asked.size:
        _find_column(rows, asked.size, (), "id", "--size")
    made = plan_units(rows.groupby(unit)[unit].size(), asked)
    n = dict(zip(made["unit"], made["n"].astype(int), strict=True))
    spare = {name: ceil(asked.reserve * of - 1e-9) for name, of in n.items()}
    how = cast(How, asked.draw)
    people = draw(
        rows,
        n,
        ids=ids,
        seed=asked.seed,
        how=how,
        by=unit,
        size=asked.size,
        reserve=spare,
        file=file,
    )
    back = _read_returned(asked, people, ids, unit) if asked.returned else None
    people = people.merge(_read_strata(rows, ids, unit), on=ids, validate="one_to_one")
    return SamplePlan(made, people.rename(columns={unit: "unit", ids: "id"}), back, n_personal)


def plan_units(sizes: "pd.Series[Any]", asked: SampleOptions) -> pd.DataFrame:
    """Return forms, margin, detectable difference (points) and cost (VND) of each unit.

    Margin and difference are those of a share of 50 %, the worst case; the difference is that of
    an index of 22 items with a within-person correlation of 0.4.

    Args:
        sizes: Clients by unit.
        asked: Error, design effect, method, allocation, minimum and cost.

    Returns:
        Columns unit, population, n, margin_points, detectable_points and cost, by unit name.

    Source: rules S1 and S2 in docs/method.md.

    Example:
        >>> plan(pd.Series({"so-a": 500}), Asked(Path("list.csv")))[["population", "n"]].values
        array([[500, 223]])
    """
    sizes = sizes.sort_index()
    n = pd.Series(_count_forms(sizes, asked), index=sizes.index)
    made = pd.DataFrame(
        {"unit": sizes.index.astype(str), "population": sizes.to_numpy(int), "n": n.to_numpy(int)}
    )
    made["margin_points"] = 100 * expected_margin(made["n"], made["population"], deff=asked.deff)
    made["detectable_points"] = 100 * _detectable_difference(made["n"], WORST, asked)
    if asked.cost is not None:
        made["cost"] = made["n"] * asked.cost
    return made


def _count_forms(
    sizes: "pd.Series[Any]", asked: SampleOptions
) -> "np.ndarray[Any, Any] | pd.Series[Any]":
    method = cast(Method, asked.method)
    if not asked.allocate and asked.total is None:
        own = sample_size(sizes, asked.error, asked.deff, method=method)
        return np.maximum(own, np.minimum(asked.least, sizes))
    total = asked.total
    if total is None:
        total = int(sample_size(sizes.sum(), asked.error, asked.deff, method=method))
    how = cast(Allocation, asked.allocate or "proportional")
    return allocate(sizes, total, how, least=asked.least)


def _detectable_difference(n: Any, share: float, asked: SampleOptions) -> Any:
    safe = np.where(np.asarray(n) > 0, n, np.nan)
    return detectable_difference(safe, share, items=ITEMS, within=WITHIN, deff=asked.deff)


def build_sample_page(asked: SampleOptions, made: SamplePlan) -> Document:
    """Return the page: what the sample tells, how it was made, what came back."""
    sections = [
        Section(
            "tells", make_text("sample.chapter.tells"), tuple(_describe_precision(asked, made.plan))
        ),
        Section(
            "made",
            make_text("sample.chapter.made"),
            (Bullets(tuple(_describe_method(asked, made))),),
        ),
    ]
    if made.back is not None:
        sections.insert(
            0,
            Section(
                "achieved",
                make_text("sample.chapter.achieved"),
                tuple(_describe_response(made.back)),
            ),
        )
    subtitle = make_text("sample.subtitle", file=asked.frame.name)
    footer = make_text("sample.footer")
    return Document("sample", make_text("sample.title"), subtitle, None, tuple(sections), footer)


def _describe_precision(asked: SampleOptions, planned: pd.DataFrame) -> Iterable[Block]:
    total, fewest = int(planned["n"].sum()), int(planned["n"].min())
    lead = make_text(
        "sample.lead", n=total, population=int(planned["population"].sum()), units=len(planned)
    )
    yield Paragraph(lead, "lead")
    if asked.cost is not None:
        yield Paragraph(make_text("sample.cost", cost=asked.cost, total=total * asked.cost))
    ends = [Number(float(end), 1) for end in planned["margin_points"].agg(["min", "max"])]
    same = ends[0].text("en") == ends[1].text("en")
    margin = "sample.margin_one" if same else "sample.margin"
    high, low = (float(one) for one in NEIGHBOURS)
    forms = forms_to_tell(high, low, items=ITEMS, within=WITHIN, deff=asked.deff)
    known = {"items": ITEMS, "within": Number(WITHIN, 1)}
    near, nearer = (
        100 * float(_detectable_difference(fewest, share, asked)) for share in (WORST, NEAR)
    )
    yield Bullets(
        (
            make_text(margin, best=ends[0], **({} if same else {"worst": ends[1]})),
            make_text(
                "sample.detect",
                n=fewest,
                difference=Number(near, 1),
                items=ITEMS,
                near=Number(100 * NEAR),
                nearer=Number(nearer, 1),
            ),
            make_text(
                "sample.tell",
                high=Number(NEIGHBOURS[0]),
                low=Number(NEIGHBOURS[1]),
                n=int(float(f"{forms:.1e}")),
                **known,
            ),
            make_text("sample.cannot_rank"),
            make_text("sample.cannot_list"),
        )
    )
    yield Paragraph(make_text("sample.correlation", items=ITEMS), "note")
    notes = (make_text("sample.note.plan", **known),)
    yield _unit_table("plan", planned, notes)


def _describe_method(asked: SampleOptions, made: SamplePlan) -> Iterable[Text]:
    if asked.total is None:
        error = Number(asked.error, 3 if asked.error < 0.01 else 2)
        yield make_text(f"sample.rule.{asked.method}", error=error)
    if asked.allocate or asked.total is not None:
        how = make_text(f"sample.allocate.{asked.allocate or 'proportional'}")
        yield make_text("sample.rule.total", n=int(made.plan["n"].sum()), allocate=how)
    if asked.least:
        yield make_text("sample.least", least=asked.least)
    if asked.deff != 1:
        yield make_text("sample.design", deff=Number(asked.deff, 2))
    if made.people is None:
        yield make_text("sample.counts_only")
        return
    yield make_text("sample.drawn", how=make_text(f"sample.how.{asked.draw}"), seed=str(asked.seed))
    spare = int((made.people["status"] == RESERVE).sum())
    if spare:
        yield make_text("sample.reserve", n=spare)
    yield make_text("sample.personal", n=made.n_personal)


def _describe_response(back: pd.DataFrame) -> Iterable[Block]:
    sums = back[["planned", "answered", "replaced", "missing"]].sum()
    shown: dict[str, object] = {str(name): int(it) for name, it in sums.items()}
    share = Number(100 * float(sums["answered"] / sums["planned"]), 1)
    yield Paragraph(make_text("sample.response", percent=share, **shown), "lead")
    yield _unit_table("achieved", back, (make_text("sample.note.achieved"),))


def _unit_table(name: str, frame: pd.DataFrame, notes: tuple[Text, ...]) -> Table:
    columns = tuple(
        Column(make_text(f"sample.column.{it}"), "row" if it == "unit" else "number")
        for it in frame
    )
    cells = {str(it): _number_cells(frame[it], DECIMALS.get(str(it), 0)) for it in frame}
    rows = tuple(zip(*cells.values(), strict=True))
    return Table(f"table-{name}", make_text(f"sample.table.{name}"), columns, rows, notes)


def _number_cells(values: "pd.Series[Any]", decimals: int) -> list[object]:
    if values.name == "unit":
        return [str(it) for it in values]
    return [Number(float(it), decimals) for it in values]


# ── reading and refusing


def _check_options(asked: SampleOptions) -> None:
    """Refuse an option outside its range before any file is read."""
    choices: Mapping[str, tuple[str, tuple[str, ...]]] = {
        "--method": (asked.method, ("yamane", "cochran")),
        "--allocate": (asked.allocate, ("", "equal", "proportional", "power")),
        "--draw": (asked.draw, ("simple", "systematic", "pps")),
    }
    for name, (found, known) in choices.items():
        if found not in known:
            shown = ", ".join(filter(None, known))
            raise ParameterError("sample_choice", name=name, found=found, known=shown)
    if asked.lang and asked.lang not in LANGUAGES:
        raise ParameterError("language", asked=asked.lang)
    if not 0 < asked.error < 1:
        raise ParameterError("sample_between", name="--error", found=asked.error)
    if not 0 < asked.deff < np.inf:
        raise ParameterError("sample_above", name="--deff", low=0, found=asked.deff)
    if not 0 <= asked.reserve <= 1:
        raise ParameterError("sample_share", name="--reserve", found=asked.reserve)
    for name, number in {
        "--total": asked.total,
        "--min": asked.least,
        "--cost": asked.cost,
    }.items():
        if number is not None and number < 0:
            raise ParameterError("sample_whole", name=name, found=number)
    if asked.draw == "pps" and not asked.size and not asked.count:
        raise ParameterError("sample_no_size")


def _find_column(
    rows: pd.DataFrame, asked: str, usual: Iterable[str], what: str, option: str
) -> str:
    """Return the column asked for, else the first with a usual header; never a personal one."""
    place = [Place(rows.attrs["file"])]
    headers = {fold_text(str(it)): str(it) for it in reversed(rows.columns)}
    found = next(
        (headers[one] for one in ([fold_text(asked)] if asked else usual) if one in headers), ""
    )
    if asked and not found:
        close = difflib.get_close_matches(fold_text(asked), headers, n=1)
        if close:
            raise ColumnError("sample_column_close", place, name=asked, close=headers[close[0]])
        raise ColumnError("sample_column", place, name=asked, known=", ".join(rows.columns))
    if not found:
        said = {one: make_text(f"sample.what.{what}").text(one) for one in LANGUAGES}
        known = ", ".join(rows.columns)
        raise ColumnError("sample_no_column", place, what=said, option=option, known=known)
    if [*rows.columns].count(found) > 1:
        raise ColumnError("sample_column_twice", place, name=found)
    if is_personal(found):
        raise ColumnError("sample_personal", place, name=found)
    return found


def _refuse_rows(
    rows: pd.DataFrame, column: str, wrong: "pd.Series[bool]", message: str, kind: type[Any]
) -> None:
    values = rows.loc[wrong, column].items()
    places = [Place(rows.attrs["file"], int(str(row)), column, str(it)) for row, it in values]
    if places:
        raise kind(message, places)


def _read_counts(rows: pd.DataFrame, unit: str, asked: str) -> "pd.Series[Any]":
    """Return clients by unit from a list of counts."""
    count = _find_column(rows, asked, (), "id", "--count")
    _refuse_rows(rows, unit, rows[unit].duplicated(keep=False), "sample_unit_twice", UnitError)
    _refuse_rows(
        rows, count, ~rows[count].str.fullmatch(r"0*[1-9]\d{0,11}"), "sample_count", AnswerError
    )
    return rows.set_index(unit)[count].astype(np.int64)


def _read_strata(rows: pd.DataFrame, ids: str, unit: str) -> pd.DataFrame:
    """Return ids with the columns known as stratum and cluster, under these names."""
    kept = {ids: rows[ids]}
    headers = {fold_text(str(it)): str(it) for it in reversed(rows.columns)}
    for role in ("stratum", "cluster"):
        found = next((headers[it] for it in read_vocabulary()["roles"][role] if it in headers), "")
        if found and found not in (ids, unit):
            kept[role] = rows[found]
    return pd.DataFrame(kept)


def _read_returned(asked: SampleOptions, people: pd.DataFrame, ids: str, unit: str) -> pd.DataFrame:
    """Read the ids that came back and hold them against the draw."""
    path = cast(Path, asked.returned)
    rows = read_rows(path).map(tidy_text)
    rows.attrs["file"] = path.name
    column = _find_column(rows, ids, (), "id", "--id")
    _refuse_rows(rows, column, rows[column] == "", "sample_blank", FormError)
    return compare_returns(people, rows[column], ids=ids, by=unit, deff=asked.deff, file=path.name)
