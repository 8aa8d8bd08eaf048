"""What a chapter says, as text; and forms answered at random, for tests of reports."""

import random

from sipas_analysis.documents.model import Bullets, Paragraph, Picture, render_text
from sipas_analysis.reports.report import report

HEAD = "unit,A1,A2,D1,OVERALL,sex,vulnerable\n"


def draw_forms(unit, n, seed=1):
    """Answer at random, some profile questions too."""
    draw = random.Random(f"{unit}{seed}")
    levels = [1, 2, 3, 4, 4, 4, 5, 5]
    rows = [
        [unit, *(str(draw.choice(levels)) for _ in range(4)), draw.choice(["male", "female"]), "HN"]
        for _ in range(n)
    ]
    return "".join(",".join(row) + "\n" for row in rows)


def read_words(section, language="en"):
    """Return everything a chapter says, one line per text, note, heading or row."""
    said = [render_text(section.title, language)]
    for block in section.blocks:
        if isinstance(block, Paragraph):
            said.append(render_text(block.text, language))
        elif isinstance(block, Bullets):
            said += [render_text(item, language) for item in block.items]
        else:
            table = block.data if isinstance(block, Picture) else block
            said += [render_text(block.caption, language), *read_table(table, language)]
    return "\n".join(said)


def read_table(table, language="en"):
    """Return the headings, rows and notes of a table, one line each."""
    lines = [[column.label for column in table.columns], *table.rows]
    said = [" | ".join(render_text(cell, language) for cell in line) for line in lines]
    return [*said, *(render_text(note, language) for note in table.notes)]


def read_chapter(survey, name, language="en", unit=""):
    """Return the words of one chapter."""
    return read_words(report(survey, language, unit).chapter(name).section, language)
