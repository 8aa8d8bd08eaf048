"""Plan a sample from a list of clients, and state how precise its results will be.

Only ids, units, strata and clusters of the list are written (rule P1), and nothing is written
before all is computed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from sipas_analysis.collect.columns import is_personal
from sipas_analysis.collect.vocabulary import read_vocabulary
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
from sipas_analysis.errors import FormError, ParameterError
from sipas_analysis.figures.csv_files import write_tables
from sipas_analysis.files import check_writable
from sipas_analysis.infer.design import Floats
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
from sipas_analysis.messages import Language
from sipas_analysis.reports.sample_list import (
    find_column,
    read_counts,
    read_list,
    read_strata,
    refuse_rows,
)
from sipas_analysis.reports.sample_options import SampleOptions, check_options
from sipas_analysis.sheets.texts import fold_text

# What the page assumes of an index: its items, and how alike the answers of one person are.
ITEMS, WITHIN = 22, 0.4
NEIGHBOURS = ("94.81", "94.59")  # ranks 1 and 2 of a published list of departments
WORST, NEAR = 0.5, 0.95
DECIMALS = {"margin_points": 1, "detectable_points": 1, "response_percent": 1}
OUT = Path("outputs/sample")


@dataclass(frozen=True)
class SamplePlan:
    """What was planned and drawn.

    Attributes:
        units: Forms, margin and cost by unit.
        people: The people drawn, reserve included; None if the list has counts.
        returned: Forms that came back, by unit; None if no such list was given.
        n_personal: Number of columns of personal data in the list; none was used.
    """

    units: pd.DataFrame
    people: pd.DataFrame | None
    returned: pd.DataFrame | None
    n_personal: int


def write_sample(options: SampleOptions, language: Language) -> list[Path]:
    """Plan, draw and write a sample; return the files, the page last.

    Raises:
        SipasError: The list or an option is invalid; nothing is written.

    Source: rules S1, S2, S3 and P1 in docs/method.md.
    """
    check_options(options)
    folder = check_writable(options.out or OUT)
    plan = plan_and_draw(options)
    tables = {"plan": plan.units}
    if plan.people is not None:
        is_reserve = plan.people["status"] == RESERVE
        tables["sample"] = plan.people[~is_reserve].drop(columns="status")
        tables["reserve"] = plan.people[is_reserve].drop(
            columns=["status", "probability", "weight"]
        )
    if plan.returned is not None:
        tables["achieved"] = plan.returned
    page = build_sample_page(options, plan)
    return [
        *write_tables(tables, folder),
        write_html(page, folder / f"sample.{language}.html", language),
    ]


def plan_and_draw(options: SampleOptions) -> SamplePlan:
    """Read the list, plan each unit, draw, and compare what came back with the draw."""
    wanted = (options.by, options.ids, options.count, options.size)
    clients = read_list(options.frame, wanted)
    file, roles = options.frame.name, read_vocabulary()["roles"]
    unit = find_column(clients, options.by, roles["unit"], "unit", "--by")
    is_total = clients[unit].map(fold_text).isin(read_vocabulary()["totals"])
    refuse_rows(clients, unit, clients[unit] == "", "sample_blank", FormError)
    refuse_rows(clients, unit, is_total, "total_row", FormError)
    n_personal = sum(map(is_personal, clients.columns))
    if options.count:
        if options.returned:
            raise ParameterError("sample_returned_counts", file=file)
        units = plan_units(read_counts(clients, unit, options.count), options)
        return SamplePlan(units, None, None, n_personal)
    ids = find_column(clients, options.ids, roles["form"], "id", "--id")
    if options.size:
        find_column(clients, options.size, (), "id", "--size")
    units = plan_units(clients.groupby(unit)[unit].size(), options)
    n_by_unit = dict(zip(units["unit"], units["n"].astype(int), strict=True))
    people = draw(
        clients,
        n_by_unit,
        ids=ids,
        seed=options.seed,
        how=cast(How, options.draw),
        by=unit,
        size=options.size,
        reserve={name: ceil(options.reserve * n - 1e-9) for name, n in n_by_unit.items()},
        file=file,
    )
    returned = _read_returned(options, people, ids, unit) if options.returned else None
    people = people.merge(read_strata(clients, ids, unit), on=ids, validate="one_to_one")
    people = people.rename(columns={unit: "unit", ids: "id"})
    return SamplePlan(units, people, returned, n_personal)


def plan_units(sizes: "pd.Series[int]", options: SampleOptions) -> pd.DataFrame:
    """Return forms, margin, detectable difference (points) and cost (VND) of each unit.

    Margin and difference are those of a share of 50 %, the worst case; the difference is that of
    an index of 22 items with a within-person correlation of 0.4.

    Args:
        sizes: Clients by unit.
        options: Error, design effect, method, allocation, minimum and cost.

    Returns:
        Columns unit, population, n, margin_points, detectable_points and cost, by unit name.

    Source: rules S1 and S2 in docs/method.md.

    Example:
        >>> from sipas_analysis.reports.sample_options import SampleOptions
        >>> options = SampleOptions(Path("list.csv"))
        >>> plan_units(pd.Series({"so-a": 500}), options)[["population", "n"]].values
        array([[500, 223]])
    """
    sizes = sizes.sort_index()
    n = pd.Series(_count_forms(sizes, options), index=sizes.index)
    units = pd.DataFrame(
        {"unit": sizes.index.astype(str), "population": sizes.to_numpy(int), "n": n.to_numpy(int)}
    )
    margin = expected_margin(units["n"], units["population"], deff=options.deff)
    units["margin_points"] = 100 * margin
    units["detectable_points"] = 100 * _detectable_difference(units["n"], WORST, options.deff)
    if options.cost is not None:
        units["cost"] = units["n"] * options.cost
    return units


def _count_forms(sizes: "pd.Series[int]", options: SampleOptions) -> ArrayLike:
    """Return how many forms each unit needs: by its own size, or as its share of a total."""
    method = cast(Method, options.method)
    if not options.allocate and options.total is None:
        by_formula = sample_size(sizes, options.error, options.deff, method=method)
        return np.maximum(by_formula, np.minimum(options.least, sizes))
    total = options.total
    if total is None:
        total = int(sample_size(sizes.sum(), options.error, options.deff, method=method))
    how = cast(Allocation, options.allocate or "proportional")
    return allocate(sizes, total, how, least=options.least)


def _detectable_difference(n: ArrayLike, share: float, deff: float) -> Floats:
    """Return the detectable difference between two units of n forms, NaN for no form."""
    known_n = np.where(np.asarray(n) > 0, n, np.nan)
    return detectable_difference(known_n, share, items=ITEMS, within=WITHIN, deff=deff)


def build_sample_page(options: SampleOptions, plan: SamplePlan) -> Document:
    """Return the page: the precision of the sample, its method, the forms that came back."""
    precision = tuple(_describe_precision(options, plan.units))
    steps = Bullets(tuple(_describe_method(options, plan)))
    sections = [
        Section("tells", make_text("sample.chapter.tells"), precision),
        Section("made", make_text("sample.chapter.made"), (steps,)),
    ]
    if plan.returned is not None:
        response = tuple(_describe_response(plan.returned))
        sections.insert(0, Section("achieved", make_text("sample.chapter.achieved"), response))
    subtitle = make_text("sample.subtitle", file=options.frame.name)
    footer = make_text("sample.footer")
    return Document("sample", make_text("sample.title"), subtitle, None, tuple(sections), footer)


def _describe_precision(options: SampleOptions, units: pd.DataFrame) -> Iterable[Block]:
    """State what the sample can and cannot show, then list the units."""
    total, population = int(units["n"].sum()), int(units["population"].sum())
    lead = make_text("sample.lead", n=total, population=population, units=len(units))
    yield Paragraph(lead, "lead")
    if options.cost is not None:
        yield Paragraph(make_text("sample.cost", cost=options.cost, total=total * options.cost))
    yield Bullets(
        (
            _state_margin(units),
            _state_difference(int(units["n"].min()), options.deff),
            _state_forms_to_tell(options.deff),
            make_text("sample.cannot_rank"),
            make_text("sample.cannot_list"),
        )
    )
    yield Paragraph(make_text("sample.correlation", items=ITEMS), "note")
    note = make_text("sample.note.plan", items=ITEMS, within=Number(WITHIN, 1))
    yield _unit_table("plan", units, (note,))


def _state_margin(units: pd.DataFrame) -> Text:
    """State the margin of the units, from the best to the worst if they differ."""
    best, worst = (Number(float(end), 1) for end in units["margin_points"].agg(["min", "max"]))
    if best.text("en") == worst.text("en"):
        return make_text("sample.margin_one", best=best)
    return make_text("sample.margin", best=best, worst=worst)


def _state_difference(fewest: int, deff: float) -> Text:
    """State the difference that units with the fewest forms can show, at 50 % and near 95 %."""
    at_half, at_near = (
        100 * float(_detectable_difference(fewest, share, deff)) for share in (WORST, NEAR)
    )
    return make_text(
        "sample.detect",
        n=fewest,
        difference=Number(at_half, 1),
        items=ITEMS,
        near=Number(100 * NEAR),
        nearer=Number(at_near, 1),
    )


def _state_forms_to_tell(deff: float) -> Text:
    """State how many forms would separate two neighbours of a published list."""
    high, low = (float(percent) for percent in NEIGHBOURS)
    forms = forms_to_tell(high, low, items=ITEMS, within=WITHIN, deff=deff)
    return make_text(
        "sample.tell",
        high=Number(NEIGHBOURS[0]),
        low=Number(NEIGHBOURS[1]),
        n=int(float(f"{forms:.1e}")),
        items=ITEMS,
        within=Number(WITHIN, 1),
    )


def _describe_method(options: SampleOptions, plan: SamplePlan) -> Iterable[Text]:
    """State the rules by which the sample was sized, allocated and drawn."""
    if options.total is None:
        error = Number(options.error, 3 if options.error < 0.01 else 2)
        yield make_text(f"sample.rule.{options.method}", error=error)
    if options.allocate or options.total is not None:
        how = make_text(f"sample.allocate.{options.allocate or 'proportional'}")
        yield make_text("sample.rule.total", n=int(plan.units["n"].sum()), allocate=how)
    if options.least:
        yield make_text("sample.least", least=options.least)
    if options.deff != 1:
        yield make_text("sample.design", deff=Number(options.deff, 2))
    if plan.people is None:
        yield make_text("sample.counts_only")
        return
    yield make_text(
        "sample.drawn", how=make_text(f"sample.how.{options.draw}"), seed=str(options.seed)
    )
    n_reserve = int((plan.people["status"] == RESERVE).sum())
    if n_reserve:
        yield make_text("sample.reserve", n=n_reserve)
    yield make_text("sample.personal", n=plan.n_personal)


def _describe_response(returned: pd.DataFrame) -> Iterable[Block]:
    """State how many of those drawn answered, then list the units."""
    sums = returned[["planned", "answered", "replaced", "missing"]].sum()
    counts: dict[str, object] = {str(name): int(count) for name, count in sums.items()}
    share = Number(100 * float(sums["answered"] / sums["planned"]), 1)
    yield Paragraph(make_text("sample.response", percent=share, **counts), "lead")
    yield _unit_table("achieved", returned, (make_text("sample.note.achieved"),))


def _unit_table(name: str, frame: pd.DataFrame, notes: tuple[Text, ...]) -> Table:
    """List the units, a column of the frame in each column of the table."""
    columns, cells = [], []
    for column in map(str, frame):
        is_unit, decimals = column == "unit", DECIMALS.get(column, 0)
        columns.append(Column(make_text(f"sample.column.{column}"), "row" if is_unit else "number"))
        cells.append(
            [str(value) if is_unit else Number(float(value), decimals) for value in frame[column]]
        )
    rows = tuple(zip(*cells, strict=True))
    return Table(f"table-{name}", make_text(f"sample.table.{name}"), tuple(columns), rows, notes)


def _read_returned(
    options: SampleOptions, people: pd.DataFrame, ids: str, unit: str
) -> pd.DataFrame:
    """Read the ids that came back and compare them with the draw."""
    path = cast(Path, options.returned)
    returned = read_list(path, (ids,))
    column = find_column(returned, ids, (), "id", "--id")
    refuse_rows(returned, column, returned[column] == "", "sample_blank", FormError)
    came_back = returned[column]
    return compare_returns(people, came_back, ids=ids, by=unit, deff=options.deff, file=path.name)
