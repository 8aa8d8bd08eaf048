"""Is an altered cell of an input named by file, row and column, in any format?

Usage: python benchmarks/altered_cells.py [CELLS] > benchmarks/results/altered_cells.txt

CELLS (500) single cells are altered, a fifth in each of CSV, Excel, OpenDocument, SPSS and Parquet:
an answer becomes another level, a blank or a text, also in the header. Then rows are removed, added
and swapped, and several cells are altered at once. Each trial writes the whole file again.
"""

import random
import resource
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from html import escape
from pathlib import Path

import duckdb
import openpyxl
import pandas as pd
import pyreadstat

import sipas_analysis as sipas
from sipas_analysis.collect.simulate import build_demo
from sipas_analysis.proof.cell_hashes import hash_cells, hash_table
from sipas_analysis.proof.private_receipt import (
    Change,
    hash_private_receipt,
    list_ranges,
    locate_changes,
    make_private_receipt,
    write_private_receipt,
)
from sipas_analysis.proof.program import describe_program
from sipas_analysis.records.simulate import write_demo
from sipas_analysis.sheets.reader import name_column_letter

Rows = list[list[str]]
EDITS = 5  # of each kind, in each format
MANIFEST = (
    '<?xml version="1.0"?><manifest:manifest'
    ' xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
)
CONTENT = (
    '<?xml version="1.0"?><office:document-content'
    ' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body>'
    '<office:spreadsheet><table:table table:name="Answers">{rows}</table:table>'
    "</office:spreadsheet></office:body></office:document-content>"
)


def write_csv(path: Path, rows: Rows) -> None:
    """Write a text."""
    path.write_text("\n".join(",".join(row) for row in rows) + "\n", "utf-8")


def write_xlsx(path: Path, rows: Rows) -> None:
    """Write a workbook with numbers as numbers."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Answers")
    for row in rows:
        sheet.append([int(text) if text.isdigit() else text or None for text in row])
    book.save(path)


def write_ods(path: Path, rows: Rows) -> None:
    """Write an OpenDocument sheet of texts."""
    cells = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{escape(text)}</text:p>'
            "</table:table-cell>"
            if text
            else "<table:table-cell/>"
            for text in row
        )
        + "</table:table-row>"
        for row in rows
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        parts.writestr("META-INF/manifest.xml", MANIFEST)
        parts.writestr("content.xml", CONTENT.format(rows=cells))


def _make_frame(rows: Rows) -> pd.DataFrame:
    return pd.DataFrame(rows[1:], columns=rows[0])


def write_sav(path: Path, rows: Rows) -> None:
    """Write an SPSS file of texts."""
    pyreadstat.write_sav(_make_frame(rows), str(path))


def write_parquet(path: Path, rows: Rows) -> None:
    """Write a Parquet file of texts."""
    frame = _make_frame(rows)
    duckdb.from_df(frame).write_parquet(str(path))


WRITERS: dict[str, Callable[[Path, Rows], None]] = {
    "csv": write_csv,
    "xlsx": write_xlsx,
    "ods": write_ods,
    "sav": write_sav,
    "parquet": write_parquet,
}


class Kept:
    """A wave whose answers are in one format, with the private receipt that was kept of it."""

    def __init__(self, folder: Path, kind: str) -> None:
        path = write_demo(build_demo("demo", 3), folder)
        self.rows = [
            line.split(",") for line in (folder / "responses.csv").read_text().splitlines()
        ]
        (folder / "responses.csv").unlink()
        self.write, self.file = WRITERS[kind], folder / f"responses.{kind}"
        self.write(self.file, self.rows)
        path.write_text(path.read_text().replace("responses.csv", self.file.name), "utf-8")
        survey = sipas.read_survey(sipas.read_wave(path))
        text = make_private_receipt(survey)
        write_private_receipt(text, folder)
        inputs = [{"file": file.file, "sha256": file.sha256} for file in survey.inputs.values()]
        self.facts = {"private": hash_private_receipt(text), "inputs": inputs}
        self.has_letters = kind in ("csv", "xlsx", "ods")

    def locate(self, rows: Rows) -> list[Change]:
        """Return what is found if the file has these rows."""
        self.write(self.file, rows)
        found = [*locate_changes(self.file.parent, self.facts, self.file.parent)]
        return [change for change in found if change.file.startswith("responses.")]

    def name_column(self, rows: Rows, column: int) -> str:
        """Return how a column is named."""
        name = rows[0][column]
        if not self.has_letters:
            return name
        return f"{name_column_letter(column)} ({name})" if name else name_column_letter(column)


def alter_cell(kept: Kept, draw: random.Random) -> tuple[Rows, int, int]:
    """Return rows with one altered cell, and its row and column."""
    rows = [[*row] for row in kept.rows]
    first = 0 if kept.has_letters else 1  # names of variables are not altered in SPSS
    row, column = draw.randrange(first, len(rows)), draw.randrange(len(rows[0]))
    old = rows[row][column]
    texts = ["1", "2", "3", "4", "5", "", "x"] if row else [f"{old}x"]
    rows[row][column] = draw.choice([text for text in texts if text != old])
    return rows, row, column


def try_cells(kept: Kept, draw: random.Random, times: int) -> tuple[int, float]:
    """Return how many of so many altered cells were named alone, and the seconds for each."""
    n_found, start = 0, time.process_time()
    for _ in range(times):
        rows, row, column = alter_cell(kept, draw)
        name = kept.name_column(rows, column)
        found = kept.locate(rows)
        n_found += [change[:1] + change[2:] for change in found] == [("cell", str(row + 1), name)]
    return n_found, (time.process_time() - start) / times


def list_row_edits(kept: Kept, draw: random.Random) -> Iterator[tuple[str, Rows, list[Change]]]:
    """Yield edits of rows: what was done, the rows, and what has to be named."""
    file, n_rows = kept.locate(alter_cell(kept, draw)[0])[0].file, len(kept.rows)
    low, high = sorted(draw.sample(range(1, n_rows - 1), 2))
    gone = [*kept.rows[:low], *kept.rows[low + 1 :]]
    yield "removed", gone, [Change("row_removed", file, str(low + 1))]
    new = [f"new{place}" for place in range(len(kept.rows[0]))]
    added = [*kept.rows[:low], new, *kept.rows[low:]]
    yield "added", added, [Change("row_added", file, new=str(low + 1))]
    swapped = [*kept.rows]
    swapped[low], swapped[high] = swapped[high], swapped[low]
    yield "swapped", swapped, [Change("row_swapped", file, str(low + 1), str(high + 1))]
    part = sorted(draw.sample(range(1, n_rows), 9))
    column = draw.randrange(1, len(new))
    several = [[*row] for row in kept.rows]
    for row in part:
        several[row][column] = f"{several[row][column]}x"
    name = kept.name_column(several, column)
    yield "nine cells of a column", several, [Change("cell", file, list_ranges(part), name)]


def try_format(kind: str, times: int) -> tuple[int, float, dict[str, int]]:
    """Return how many altered cells were named, the seconds for each, and the edits of rows."""
    edits: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        kept, draw = Kept(Path(folder) / kind, kind), random.Random(kind)
        n_found, seconds = try_cells(kept, draw, times)
        for _ in range(EDITS):
            for what, rows, wanted in list_row_edits(kept, draw):
                edits[what] = edits.get(what, 0) + (kept.locate(rows) == wanted)
    return n_found, seconds, edits


def main(times: int) -> None:
    """Print the table; each format in a process of its own."""
    kinds = [*WRITERS]
    with ProcessPoolExecutor(len(kinds)) as pool:
        results = [*pool.map(try_format, kinds, [times // len(kinds)] * len(kinds))]
    for kind, (n_found, seconds, _) in zip(kinds, results, strict=True):
        print(f"{kind:8} {n_found} of {times // len(kinds)} altered cells, {seconds:.2f} s each")
    total = sum(n_found for n_found, _, _ in results)
    print(f"together {total} of {times}: file, row and column named, and nothing else")
    for what in results[0][2]:
        n_named = sum(edits[what] for _, _, edits in results)
        print(f"{what}: {n_named} of {EDITS * len(kinds)}")
    draw = random.Random(1)
    big = [[str(draw.randrange(1, 6)) for _ in range(30)] for _ in range(187 * 160)]
    start = time.process_time()
    hash_table(hash_cells(zip(*big, strict=True), "0123456789abcdef"))
    print(f"187 units x 160 forms x 30 columns hashed in {time.process_time() - start:.2f} s")
    print(f"sipas_analysis {sipas.__version__}, commit {describe_program()['commit']}")
    print(f"memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
