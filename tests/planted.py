"""A planted wave as a grid of cells, its files, and what an honest reader must find in them.

The reader here shares no line with the package: a cell is a level, blank, or neither. Where it is
neither, the package must refuse the wave or name the cell in its ledger.
"""

import csv
import io
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml
from openpyxl import Workbook

from sipas_analysis.collect.survey import Survey, read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.errors import SeveralError, SipasError
from sipas_analysis.instrument.pack import read_instrument

PACK = read_instrument("qd-2640-2017")
ITEMS = [*PACK.items]
LABELS = {PACK.scale.labels[level].vi: level for level in range(1, 6)}
BEFORE = ["STT", "Đơn vị", "Ngày khảo sát", "Giới tính", "Họ và tên"]
UNITS = {"Sở Nội vụ": "so-nv", "Sở Y tế": "so-yt"}
UNIT_LIST = "code,name_vi,name_en,group\nso-nv,Sở Nội vụ,,departments\nso-yt,Sở Y tế,,departments\n"
WRONG = "wrong"  # a cell that has no meaning

Cell = Any  # text, number, day, or nothing
Grid = list[list[Cell]]


@dataclass
class Planted:
    """One sheet of answers, and how it is written.

    Attributes:
        grid: Cells, row by row.
        header: Number of the header row, from 1; the lower one of two.
        forms: Whether each row is a form, as long as the grid.
        columns: Position of each item and of the unit.
        kind: Extension of the file.
        facts: Facts of the wave that differ from the usual ones.
        options: Separator, encoding and other properties of the file.
    """

    grid: Grid
    header: int
    forms: list[bool]
    columns: dict[str, int]
    kind: str = "xlsx"
    facts: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    def list_forms(self) -> list[int]:
        """Return the positions of the rows of forms."""
        return [at for at, is_form in enumerate(self.forms) if is_form]

    def insert(self, at: int, row: list[Cell], *, is_form: bool = False) -> None:
        """Insert a row."""
        self.grid.insert(at, row)
        self.forms.insert(at, is_form)
        self.header += at < self.header

    def remove(self, at: int) -> None:
        """Remove a row."""
        del self.grid[at], self.forms[at]


def plant(rng: random.Random, n: int = 14, *, style: str = "codes", titles: int = 0) -> Planted:
    """Draw a correct sheet: two units, days, personal data and 22 answers."""
    names = [item.vi for item in PACK.items.values()] if style == "wordings" else ITEMS
    header = [*BEFORE, *names, "Ghi chú"]
    grid: Grid = [["KẾT QUẢ KHẢO SÁT"], ["Đợt 2024"], []][:titles]
    if style == "two rows":
        grid.append([*[""] * len(BEFORE), "Mức độ hài lòng", *[""] * 21, ""])
    grid.append(header)
    n_above = len(grid)
    for number in range(1, n + 1):
        mean = rng.gauss(3.8, 0.7)
        levels: list[Cell] = [min(5, max(1, round(rng.gauss(mean, 0.8)))) for _ in ITEMS]
        if style == "labels":
            levels = [[*LABELS][level - 1] for level in levels]
        day = date(2024, 10, 13) + timedelta(days=rng.randrange(60))
        unit = [*UNITS][number > n // 2]
        sex = rng.choice(["Nam", "Nữ"])
        grid.append([number, unit, day, sex, f"Người thứ {number}", *levels, "không"])
    columns = {"unit": 1} | {item: len(BEFORE) + at for at, item in enumerate(ITEMS)}
    return Planted(grid, n_above, [False] * n_above + [True] * n, columns)


def read_cell(cell: Cell) -> float | str | None:
    """Return the level that a cell means, nothing for a blank one, or WRONG."""
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return None
    if isinstance(cell, bool | date):
        return WRONG
    text = str(cell).strip()
    if text in LABELS:
        return float(LABELS[text])
    number = text.removesuffix(".0").removesuffix(",0")
    return float(number) if number in {"1", "2", "3", "4", "5"} else None if text == "9" else WRONG


def read_grid(planted: Planted) -> dict[int, dict[str, Any]]:
    """Return unit and answers of each form by the number of its row."""
    forms = {}
    for at in planted.list_forms():
        row = planted.grid[at]
        cells = {code: row[to] if to < len(row) else None for code, to in planted.columns.items()}
        unit = UNITS.get(str(cells.pop("unit") or "").strip(), WRONG)
        answers = {code: read_cell(cell) for code, cell in cells.items()}
        if any(answer is not None for answer in answers.values()):
            forms[at + 1] = {"unit": unit, **answers}
    return forms


def write_planted(planted: Planted, folder: Path, name: str = "phieu") -> Path:
    """Write the file, the unit list and the wave; return the path of the wave."""
    file = folder / f"{name}.{planted.kind}"
    content = _write_csv(planted) if planted.kind == "csv" else _write_xlsx(planted)
    cut = planted.options.get("bytes")
    file.write_bytes(cut(content) if cut else content)
    (folder / "units.csv").write_text(UNIT_LIST, "utf-8")
    header = planted.options.get("header", planted.header)
    facts: dict[str, Any] = {
        "id": "planted",
        "title": {"vi": "Đợt thử"},
        "year": 2024,
        "instrument": "qd-2640-2017",
        "collected": {"from": date(2024, 10, 1), "to": date(2024, 12, 31)},
        "responses": [{"file": file.name, "header": header}],
        "columns": {"unit": "Đơn vị", "date": "Ngày khảo sát", "ignore": ["STT", "Ghi chú"]},
    }
    path = folder / "wave.yaml"
    text = yaml.dump(facts | planted.facts, Dumper=yaml.CSafeDumper, allow_unicode=True)
    path.write_text(text, "utf-8")
    return path


def _write_csv(planted: Planted) -> bytes:
    options, out = planted.options, io.StringIO()
    writer = csv.writer(out, delimiter=options.get("separator", ","), lineterminator="\r\n")
    for row in planted.grid:
        writer.writerow([f"{cell:%d/%m/%Y}" if isinstance(cell, date) else cell for cell in row])
    text = out.getvalue()
    change = options.get("text")
    return (change(text) if change else text).encode(options.get("encoding", "utf-8"), "replace")


def _write_xlsx(planted: Planted) -> bytes:
    options, book = planted.options, Workbook()
    sheet = book.active
    for row in planted.grid:
        sheet.append([None if cell == "" else cell for cell in row])
    for area in options.get("merge", ()):
        sheet.merge_cells(area)
    for number in options.get("hidden_rows", ()):
        sheet.row_dimensions[number].hidden = True
    for letter in options.get("hidden_columns", ()):
        sheet.column_dimensions[letter].hidden = True
    for title, copies in options.get("sheets", {}).items():
        other = book.create_sheet(title)
        for row in planted.grid if copies else [["Ghi chú chung"]]:
            other.append(row)
        other.sheet_state = "hidden" if options.get("is_hidden") else "visible"
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


@dataclass(frozen=True)
class Outcome:
    """What became of a wave: a survey or a refusal, and what speaks against it."""

    survey: Survey | None
    error: SipasError | None
    complaints: list[str]


def try_wave(path: Path, planted: Planted) -> Outcome:
    """Read a wave and compare it, form by form, with what its cells say."""
    try:
        survey = read_survey(read_wave(path))
    except SipasError as error:
        errors = error.errors if isinstance(error, SeveralError) else (error,)
        nowhere = [part.message_id for part in errors if not (part.places or part.fields)]
        texts = error.text("vi") and error.text("en")
        return Outcome(
            None, error, [f"no place: {name}" for name in nowhere] if texts else ["mute"]
        )
    return Outcome(survey, None, compare_forms(survey, read_grid(planted), planted))


def compare_forms(
    survey: Survey, expected: Mapping[int, Mapping[str, Any]], planted: Planted
) -> list[str]:
    """Return each form or cell that differs from the file without an entry in the ledger."""
    ledger = survey.ledger
    listed_rows = set(ledger.loc[ledger["column"] == "", "row"].dropna().astype(int))
    listed_cells = set(ledger["row"].dropna().astype(int))
    forms = survey.frame.set_index("row")  # of one file
    complaints = [f"row {row} is no form" for row in forms.index if int(row) not in expected]
    for row, answers in expected.items():
        if row not in forms.index:
            n_answers = sum(isinstance(answer, float) for answer in answers.values())
            is_left_out = row in listed_rows and n_answers < len(ITEMS) / 2
            complaints += [] if is_left_out else [f"row {row} is lost"]
            continue
        for code, answer in answers.items():
            got = forms.at[row, code]
            is_equal = (answer is None and got != got) or got == answer
            is_named = row in listed_cells and answer == WRONG
            complaints += [] if is_equal or is_named else [f"row {row} {code}: {got}, not {answer}"]
    silent = {
        at + 1
        for at, row in enumerate(planted.grid)
        if at >= planted.header
        and not planted.forms[at]
        and any(str(cell or "").strip() for cell in row)
    }
    return complaints + [f"row {row} is not listed" for row in sorted(silent - listed_rows)]
