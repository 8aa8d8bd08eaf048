"""Damage good files at random: each is refused by place, or read as its cells say.

Every seed draws a correct sheet and damages it once, twice or three times. What the cells then say
is read by ``planted.py`` alone. No seed may crash, lose a form, or change an answer in silence;
harmless damage must not be refused.
"""

import random
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from planted import BEFORE, ITEMS, LABELS, UNITS, Planted, plant, try_wave, write_planted

pytestmark = pytest.mark.slow

HARMLESS, OPEN, REFUSED = "harmless", "open", "refused"
Damage = Callable[[Planted, random.Random], str]
FIRST_ITEM = len(BEFORE)

# Cells that mean a level, and cells that mean none.
LEVELS = ["4", " 4 ", "4.0", 4.0, 5, 1, "Hài lòng", "Rất hài lòng ", None, "", "   ", 9, "9"]
NO_LEVELS = [
    *(0, 6, -1, 44, 4.5, "4.5", "0_5", "1e0", "４", "IV", "bốn", "4 5", "4,5", "3/4", "x", "-"),
    *("#N/A", "#REF!", "#VALUE!", "=1+1", "=A1", "TRUE", True, "Không", "Tổng", "4;5", "4?"),
]


def pick_form(planted: Planted, rng: random.Random) -> int:
    """Pick the position of a form."""
    return rng.choice(planted.list_forms())


def pick_item(planted: Planted, rng: random.Random) -> int:
    """Pick the position of an item."""
    return planted.columns[rng.choice(ITEMS)]


# --- cells


def set_level(planted: Planted, rng: random.Random) -> str:
    """Another way of writing a level, another level, or nothing."""
    planted.grid[pick_form(planted, rng)][pick_item(planted, rng)] = rng.choice(LEVELS)
    return HARMLESS


def set_wrong(planted: Planted, rng: random.Random) -> str:
    """A text, an error, a formula without its value, or a number that is no level."""
    planted.grid[pick_form(planted, rng)][pick_item(planted, rng)] = rng.choice(NO_LEVELS)
    return OPEN


def write_numbers_as_text(planted: Planted, rng: random.Random) -> str:
    """All answers of one column as text."""
    to = pick_item(planted, rng)
    for at in planted.list_forms():
        planted.grid[at][to] = str(planted.grid[at][to] or "")
    return HARMLESS


def write_labels(planted: Planted, rng: random.Random) -> str:
    """The labels of one column instead of levels."""
    to = pick_item(planted, rng)
    names = {str(level): name for name, level in LABELS.items()}
    for at in planted.list_forms():
        cell = planted.grid[at][to]
        planted.grid[at][to] = names.get(str(cell), cell)
    return HARMLESS


def change_unit(planted: Planted, rng: random.Random) -> str:
    """The other unit, a unit that is not listed, or none."""
    unit = rng.choice([*UNITS, "Sở Y tế  ", "SỞ NỘI VỤ", "Sở Lạ", "", 7])
    planted.grid[pick_form(planted, rng)][planted.columns["unit"]] = unit
    return OPEN


def change_day(planted: Planted, rng: random.Random) -> str:
    """A day outside the fieldwork, no day at all, or none."""
    day = rng.choice(["2024-11-31", "31/02/2024", "2019-01-01", "hôm qua", 45000, "", "15/13/2024"])
    planted.grid[pick_form(planted, rng)][2] = day
    return OPEN


# --- rows


def delete_row(planted: Planted, rng: random.Random) -> str:
    """One form less."""
    planted.remove(pick_form(planted, rng))
    return HARMLESS


def double_row(planted: Planted, rng: random.Random) -> str:
    """One form twice: no block, and nothing says which."""
    at = pick_form(planted, rng)
    planted.insert(at, [*planted.grid[at]], is_form=True)
    return OPEN


def paste_block(planted: Planted, rng: random.Random) -> str:
    """Eight forms or more stand twice."""
    forms = planted.list_forms()
    n = rng.randint(8, len(forms)) if len(forms) > 8 else len(forms)
    for at in reversed(forms[:n]):
        planted.insert(forms[-1] + 1, [*planted.grid[at]], is_form=True)
    return REFUSED


def swap_rows(planted: Planted, rng: random.Random) -> str:
    """Two forms change places."""
    one, other = pick_form(planted, rng), pick_form(planted, rng)
    planted.grid[one], planted.grid[other] = planted.grid[other], planted.grid[one]
    return HARMLESS


def cut_row(planted: Planted, rng: random.Random) -> str:
    """The end of a row is missing, as in a file that was cut off."""
    at = pick_form(planted, rng)
    planted.grid[at] = planted.grid[at][: rng.randrange(FIRST_ITEM, len(planted.grid[at]) - 1)]
    return OPEN


def shift_row(planted: Planted, rng: random.Random) -> str:
    """A cell is lacking or too many, and all behind it stand under other headers."""
    row = planted.grid[pick_form(planted, rng)]
    if rng.random() < 0.5:
        del row[rng.randrange(len(row) - 1)]
    else:
        row.insert(rng.randrange(len(row)), rng.choice([None, 3, "x"]))
    return OPEN


def insert_blank_row(planted: Planted, rng: random.Random) -> str:
    """An empty line among the forms."""
    planted.insert(pick_form(planted, rng), [None] * len(planted.grid[-1]))
    return HARMLESS


def _add_footer(planted: Planted, row: list[object]) -> None:
    planted.insert(len(planted.grid), row)


def add_total(planted: Planted, rng: random.Random) -> str:
    """A row of sums or means below the forms, with or without a colon."""
    word = rng.choice(["Tổng cộng", "TỔNG CỘNG:", "Trung bình", "Điểm TB", "Cộng"])
    n = len(planted.list_forms())
    value = rng.choice([n, 3.7, 4 * n, "66,7%"])
    _add_footer(planted, [word, *[""] * (FIRST_ITEM - 1), *[value] * len(ITEMS), ""])
    return HARMLESS


def add_signature(planted: Planted, rng: random.Random) -> str:
    """A day and who made the table, below an empty line."""
    _add_footer(planted, [])
    for text in rng.sample(
        ["Ngày 5 tháng 12 năm 2024", "NGƯỜI LẬP BIỂU", "Ghi chú: đã đối chiếu"], 2
    ):
        _add_footer(planted, [text])
    return HARMLESS


def add_empty_lines(planted: Planted, rng: random.Random) -> str:
    """Lines that are numbered and not filled in."""
    n = len(planted.list_forms())
    for number in range(n + 1, n + rng.randint(2, 6)):
        _add_footer(planted, [number])
    return HARMLESS


def repeat_header(planted: Planted, rng: random.Random) -> str:
    """The header once more among the forms, as at the top of a page."""
    planted.insert(pick_form(planted, rng), [*planted.grid[planted.header - 1]])
    return OPEN


def number_columns(planted: Planted, rng: random.Random) -> str:
    """A row of numbers of columns below the header."""
    sign = rng.choice(["{}", "({})"])
    cells = [sign.format(at) for at in range(1, len(planted.grid[planted.header - 1]) + 1)]
    planted.insert(planted.header, cells)
    return OPEN


def insert_subtotal(planted: Planted, rng: random.Random) -> str:
    """A sum with forms below it."""
    cells = ["Cộng", *[""] * (FIRST_ITEM - 1), *[rng.choice([12, 30.5])] * len(ITEMS), ""]
    planted.insert(pick_form(planted, rng), cells)
    return OPEN


# --- headers


def rename_header(planted: Planted, rng: random.Random) -> str:
    """An item's header says something else."""
    planted.grid[planted.header - 1][pick_item(planted, rng)] = rng.choice(
        ["Câu khác", "Z9", "", 4]
    )
    return REFUSED


def double_header(planted: Planted, rng: random.Random) -> str:
    """Two columns have the header of one item."""
    header = planted.grid[planted.header - 1]
    one, other = rng.sample(sorted(set(planted.columns.values()) - {1}), 2)
    header[one] = header[other]
    return REFUSED


def swap_headers(planted: Planted, rng: random.Random) -> str:
    """Two headers change places: nobody can notice, and the answers follow the headers."""
    header = planted.grid[planted.header - 1]
    one, other = rng.sample(ITEMS, 2)
    to, from_ = planted.columns[one], planted.columns[other]
    header[to], header[from_] = header[from_], header[to]
    planted.columns |= {one: from_, other: to}
    return HARMLESS


def swap_columns(planted: Planted, rng: random.Random) -> str:
    """Two whole columns change places."""
    one, other = rng.sample(range(FIRST_ITEM, FIRST_ITEM + len(ITEMS)), 2)
    for row in planted.grid:
        if len(row) > max(one, other):
            row[one], row[other] = row[other], row[one]
    places = {one: other, other: one}
    planted.columns = {code: places.get(to, to) for code, to in planted.columns.items()}
    return HARMLESS


def dress_header(planted: Planted, rng: random.Random) -> str:
    """Spaces, line breaks, capitals and decomposed letters make no other header."""
    header = planted.grid[planted.header - 1]
    to = pick_item(planted, rng)
    dressed = [f" {header[to]} ", str(header[to]).lower(), f"{header[to]}\u00a0"]
    dressed += [unicodedata.normalize("NFD", str(header[to]))]
    header[to] = rng.choice(dressed)
    return HARMLESS


def miss_header(planted: Planted, rng: random.Random) -> str:
    """The wave names the row above or below the header."""
    planted.options["header"] = max(1, planted.header + rng.choice([-1, 1, 2]))
    return REFUSED if planted.options["header"] != planted.header else OPEN


def lose_header(planted: Planted, rng: random.Random) -> str:
    """The header is gone; the wave names the row of the first form."""
    number = planted.header
    planted.remove(number - 1)
    planted.options["header"] = number
    return REFUSED if planted.forms[number - 1] else OPEN


def add_column(planted: Planted, rng: random.Random) -> str:
    """A column with texts that the wave does not mention."""
    name = rng.choice(["Câu hỏi thêm", "Ý kiến thêm", ""])
    width = len(planted.grid[planted.header - 1])
    planted.grid[planted.header - 1].append(name)
    for at in planted.list_forms():
        row = planted.grid[at][:width]
        planted.grid[at] = [*row, *[""] * (width - len(row)), "tốt lắm"]
    return OPEN


# --- files


def set_encoding(planted: Planted, rng: random.Random) -> str:
    """UTF-8 with and without a mark, UTF-16; others cannot hold the texts."""
    planted.kind = "csv"
    planted.options["encoding"] = rng.choice(["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
    return HARMLESS


def set_bad_encoding(planted: Planted, rng: random.Random) -> str:
    """An encoding of Windows: letters are lost."""
    planted.kind = "csv"
    planted.options["encoding"] = rng.choice(["cp1252", "cp1258", "latin-1", "utf-7"])
    return OPEN


def set_separator(planted: Planted, rng: random.Random) -> str:
    """Semicolon and tab; any other sign is refused."""
    planted.kind = "csv"
    planted.options["separator"] = rng.choice([";", "\t", ","])
    return HARMLESS


def set_strange_separator(planted: Planted, rng: random.Random) -> str:
    """A sign that separates no columns."""
    planted.kind = "csv"
    planted.options["separator"] = rng.choice(["^", "~", ":"])
    return REFUSED


def open_quote(planted: Planted, rng: random.Random) -> str:
    """A quotation mark that is never closed."""
    planted.kind = "csv"
    place = rng.random()

    def change(text: str) -> str:
        lines = text.split("\r\n")
        at = planted.header + int(place * len(planted.list_forms()))
        at = min(at, len(lines) - 2)
        separator = planted.options.get("separator", ",")
        head, _, last = lines[at].rpartition(separator)
        lines[at] = f'{head}{separator}"{last}'
        return "\r\n".join(lines)

    planted.options["text"] = change
    return REFUSED


def break_line(planted: Planted, rng: random.Random) -> str:
    """A remark of two lines, and one with quotation marks and separators."""
    for text in ("chờ lâu\nrất lâu", 'nói "được", rồi; thôi'):
        row = planted.grid[pick_form(planted, rng)]
        if len(row) == FIRST_ITEM + len(ITEMS) + 1:
            row[-1] = text
    return HARMLESS


def truncate_file(planted: Planted, rng: random.Random) -> str:
    """The file ends among the answers of a form."""
    share, form, n_cells = rng.uniform(0.3, 0.97), pick_form(planted, rng), rng.randint(4, 25)
    separator = planted.options.get("separator", ",")

    def cut(text: str) -> str:
        lines = text.split("\r\n")
        return "\r\n".join([*lines[:form], separator.join(lines[form].split(separator)[:n_cells])])

    planted.options["text"] = cut
    if planted.kind == "xlsx":
        planted.options["bytes"] = lambda content: content[: int(len(content) * share)]
    return REFUSED


def flip_byte(planted: Planted, rng: random.Random) -> str:
    """One byte of the workbook is wrong."""
    planted.kind, share = "xlsx", rng.random()

    def flip(content: bytes) -> bytes:
        at = int(len(content) * share)
        return content[:at] + bytes([content[at] ^ 0x15]) + content[at + 1 :]

    planted.options["bytes"] = flip
    return OPEN


# --- workbooks


def merge_units(planted: Planted, rng: random.Random) -> str:
    """The unit is merged down its forms."""
    planted.kind, forms = "xlsx", planted.list_forms()
    top = rng.choice(forms[:-2])
    unit = planted.grid[top][1]
    run = [at for at in range(top, top + 4) if at in forms and planted.grid[at][1] == unit]
    if run == [*range(top, top + len(run))] and len(run) > 1:
        planted.options.setdefault("merge", []).append(f"B{top + 1}:B{run[-1] + 1}")
    return OPEN


def merge_answers(planted: Planted, rng: random.Random) -> str:
    """Two answers of a form, or one answer of two forms, are one cell."""
    planted.kind, top = "xlsx", rng.choice(planted.list_forms()[:-1])
    area = rng.choice([f"H{top + 1}:I{top + 1}", f"H{top + 1}:H{top + 2}"])
    planted.options.setdefault("merge", []).append(area)
    return REFUSED


def hide_row(planted: Planted, rng: random.Random) -> str:
    """A form is hidden, as by a filter."""
    planted.kind = "xlsx"
    planted.options.setdefault("hidden_rows", []).append(pick_form(planted, rng) + 1)
    return REFUSED


def hide_column(planted: Planted, rng: random.Random) -> str:
    """A column of answers is hidden."""
    planted.kind = "xlsx"
    planted.options["hidden_columns"] = [rng.choice("HIJKL")]
    return REFUSED


def copy_sheet(planted: Planted, rng: random.Random) -> str:
    """A copy of the sheet that the wave names as well, or another sheet that it does not name."""
    planted.kind, file = "xlsx", {"file": "phieu.xlsx", "header": planted.header}
    is_copy = rng.random() < 0.5
    planted.options["sheets"] = {"Bản sao": is_copy}
    planted.options["is_hidden"] = rng.random() < 0.5
    names = ["Sheet", "Bản sao"] if is_copy else ["Sheet"]
    planted.facts["responses"] = [file | {"sheet": name} for name in names]
    return REFUSED if is_copy else HARMLESS


CELLS = [set_level, set_wrong, write_numbers_as_text, write_labels, change_unit, change_day]
ROWS = [delete_row, double_row, swap_rows, cut_row, shift_row, insert_blank_row, add_total]
ROWS += [
    add_signature,
    add_empty_lines,
    repeat_header,
    number_columns,
    insert_subtotal,
    paste_block,
]
HEADERS = [rename_header, double_header, swap_headers, swap_columns, dress_header, miss_header]
HEADERS += [lose_header, add_column]
FILES = [set_encoding, set_bad_encoding, set_separator, set_strange_separator, open_quote]
FILES += [break_line, truncate_file, flip_byte, merge_units, merge_answers, hide_row, hide_column]
FILES += [copy_sheet]
LAST = {miss_header, lose_header, merge_units, merge_answers, hide_row, hide_column, copy_sheet}
LAST |= {paste_block, cut_row, shift_row, truncate_file, open_quote, flip_byte}


def damage(seed: int) -> tuple[Planted, list[str], str]:
    """Draw a correct sheet and damage it; return it, the damages, and what must come out."""
    rng = random.Random(seed)
    style = rng.choice(["codes", "wordings", "labels", "two rows"])
    planted = plant(rng, rng.randint(10, 18), style=style, titles=rng.randrange(4))
    planted.kind = rng.choice(["xlsx", "csv"])
    damages: list[Damage] = [rng.choice(rng.choice([CELLS, ROWS, HEADERS, FILES]))]
    damages += [rng.choice(CELLS + ROWS) for _ in range(rng.choice([0, 0, 0, 1, 2]))]
    damages.sort(key=lambda change: change in LAST)
    verdicts = [change(planted, rng) for change in damages]
    verdict = next((word for word in (REFUSED, OPEN) if word in verdicts), HARMLESS)
    return planted, [style, planted.kind, *(change.__name__ for change in damages)], verdict


def complain(seed: int, folder: Path) -> str:
    """Return what is wrong with the outcome of a seed, or nothing."""
    planted, damages, verdict = damage(seed)
    folder.mkdir(parents=True, exist_ok=True)
    name = f"seed {seed} ({', '.join(damages)}): "
    try:
        outcome = try_wave(write_planted(planted, folder), planted)
    except Exception as error:  # the fuzzer must name the seed of any crash
        return f"{name}crash {error!r}"
    complaints = list(outcome.complaints)
    if outcome.error and verdict == HARMLESS:
        complaints.append(f"refused: {outcome.error}")
    if outcome.survey and verdict == REFUSED:
        complaints.append("not refused")
    return name + "; ".join(complaints[:4]) if complaints else ""


@pytest.mark.parametrize("batch", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_damaged_files_give_no_wrong_figure(batch, tmp_path):
    """Twenty seeds; the test below tries others."""
    seeds = range(batch * 20, batch * 20 + 20)
    assert [text for seed in seeds if (text := complain(seed, tmp_path / str(seed)))] == []


# Two hundred in CI; `make test-full` has all two thousand.
@pytest.mark.parametrize(
    "batch", [*range(4), *(pytest.param(k, marks=pytest.mark.full) for k in range(4, 40))]
)
def test_two_thousand_damaged_files_give_no_wrong_figure(batch, tmp_path):
    """Fifty seeds a batch, so that workers share them."""
    seeds = range(1000 + batch * 50, 1000 + batch * 50 + 50)
    assert [text for seed in seeds if (text := complain(seed, tmp_path / str(seed)))] == []
