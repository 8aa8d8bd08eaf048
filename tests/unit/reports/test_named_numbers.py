"""Every printed number names its figure: found in the table of figures, and printed as there."""

import random
from collections import Counter
from itertools import chain

import pytest

from sipas_analysis.documents.model import (
    Bullets,
    Interval,
    Joined,
    Number,
    Paragraph,
    Picture,
    Text,
    render_text,
)
from sipas_analysis.figures.published import figures_of
from sipas_analysis.instrument.pack import list_packs, read_instrument
from sipas_analysis.messages import read_catalogue
from sipas_analysis.proof.read_back import PrintedNumber
from sipas_analysis.reports.named_numbers import interval_of, number_of
from sipas_analysis.reports.report import report
from sipas_analysis.reports.subject import Subject

pytestmark = pytest.mark.slow

SHARE = 0.99  # of the printed numbers must name a figure


def list_numbers(value, place):
    """Yield each number of a value of the model with its place; names, dates and texts have none.

    The number of a chapter or of a heading counts headings and is no result.
    """
    if isinstance(value, Number):
        if render_text(value, "vi") != "–":
            yield place, value
    elif isinstance(value, Interval):
        yield from chain(*(list_numbers(end, place) for end in value.ends()))
    elif isinstance(value, Text):
        message = read_catalogue("vi")[value.id]
        for name, part in value.fields.items():
            if f"{{{name}}}" in message and name != "number":
                yield from list_numbers(part, f"{value.id}.{name}")
    elif isinstance(value, Joined):
        yield from chain(*(list_numbers(part, place) for part in value.phrases))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield place, value


def list_values(section):
    """Yield place and value of every text and cell that a chapter prints."""
    yield section.id, section.title
    for block in section.blocks:
        if isinstance(block, Paragraph):
            yield section.id, block.text
        elif isinstance(block, Bullets):
            yield from ((section.id, item) for item in block.items)
        else:
            table = block.data if isinstance(block, Picture) else block
            heads = (block.caption, table.caption, *(column.label for column in table.columns))
            yield from ((table.id, value) for value in chain(heads, table.notes, *table.rows))


def list_sections(survey, units):
    """Yield every chapter of the province and its annexes, and of reports and letters of units."""
    for unit in ("", *units):
        written = report(survey, "vi", unit)
        for name in (*written.chapters, *written.annexes):
            yield written.chapter(name).section
        yield from written.letter().sections if unit else ()


def check_numbers(survey, units):
    """Assert that nearly all numbers name a figure, and that each is printed as in the table."""
    table = figures_of(survey).by_id.set_index("id")
    assert table.index.is_unique
    named, nameless, wrong = 0, Counter(), set()
    values = chain(*map(list_values, list_sections(survey, units)))
    for place, number in chain(*(list_numbers(value, at) for at, value in values)):
        figure = number.figure if isinstance(number, Number) else None
        if figure is None:
            nameless[place] += 1
            continue
        named += 1
        is_there = figure.id in table.index and figure.column in table
        exact = table.at[figure.id, figure.column] if is_there else None
        text = render_text(number, "vi")
        if not PrintedNumber(figure.id, figure.column, text, "vi").agrees(exact):
            wrong.add((figure.name, text, exact))
    assert wrong == set()
    assert named >= SHARE * (named + nameless.total()), nameless.most_common()


@pytest.mark.parametrize("wave", ["demo_2021", "demo_2023"])
def test_every_number_of_a_demo_wave_names_its_figure(wave, request):
    """Body, annexes, unit reports and letters: 99 of 100 numbers, and each as in the table."""
    survey = request.getfixturevalue(wave)
    check_numbers(survey, [*survey.frame["unit"].value_counts().index][:: -(-29 // 4)])


@pytest.mark.parametrize("name", list_packs())
def test_every_number_of_a_pack_names_its_figure(name, read_shared):
    """Other scales, points, no factors, no question on the whole; four units, one too small."""
    pack, draw = read_instrument(name), random.Random(name)
    keys = [code for code, question in pack.indicators.items() if question.kind != "many"]
    labels = [[*pack.indicators[key].levels] for key in keys]
    levels = [*pack.scale.levels][-3:]
    rows = [["unit", *pack.rated_codes, *keys]]
    for k in range(160):
        answers = [str(draw.choice(levels)) for _ in pack.rated_codes]
        unit = "u-3" if k < 4 else f"u-{k % 3}"
        rows.append([unit, *answers, *(draw.choice(choices) for choices in labels)])
    units = "".join(f"u-{k},Sở {k},Department {k},departments\n" for k in range(4))
    survey = read_shared(
        "".join(",".join(row) + "\n" for row in rows),
        instrument=name,
        units=f"code,name_vi,name_en,group\n{units}",
        targets=[80, 92.5],
    )
    check_numbers(survey, ["u-0", "u-3"])


def test_a_number_is_taken_by_the_id_of_its_figure(read_answers):
    """As it is printed there; a dash where it is hidden; an unknown id is a mistake."""
    rows = "so-a,5,4,4,male\n" * 20 + "so-a,2,4,3,female\n" * 7 + "so-b,4,2,5,female\n" * 3
    subject = Subject(figures_of(read_answers("unit,A1,A2,D1,sex\n" + rows, targets=[92.5])))
    assert render_text(number_of(subject, "people:sex=male", "numerator"), "vi") == "20"
    assert render_text(number_of(subject, "people:sex=male", decimals=1), "vi") == "66,7"
    assert render_text(number_of(subject, "setting:target:92.5", decimals=None), "vi") == "92,5"
    assert number_of(subject, "setting:min_cell").figure.name == "setting:min_cell#value"
    assert render_text(number_of(subject, "overall@so-b", "printed"), "vi") == "–"
    assert render_text(interval_of(subject, "overall@so-b"), "vi") == "–"
    with pytest.raises(KeyError, match="people:sex=none"):
        number_of(subject, "people:sex=none")
