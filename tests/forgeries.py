"""Ways to forge a run: edits of what it published, with or without sealing the receipt again.

An edit gets the folder of a run (``inputs`` and ``out`` below it) and spoils one thing. The forger
knows the program: ``reseal`` writes list, crate and receipt as a run would.
"""

import json
import re
import shutil
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from sipas_analysis.files import zip_parts
from sipas_analysis.proof.receipt import hash_outputs, receipt_text, seal_receipt
from sipas_analysis.proof.ro_crate import CRATE, write_crate

Parts = dict[str, bytes]
REPORT, LETTER = "report.vi", "letter.vi"


def reseal(out: Path) -> None:
    """List and hash every file that was listed and is here, then write crate and receipt anew."""
    path = out / "receipt.json"
    facts = json.loads(path.read_text("utf-8"))
    here = hash_outputs(out)
    facts["outputs"] = {name: here[name] for name in facts["outputs"] if name in here}
    if facts["outputs"].get(CRATE):
        listed = {name: sha for name, sha in facts["outputs"].items() if name != CRATE}
        write_crate(facts | {"outputs": listed}, out)
        facts["outputs"][CRATE] = hash_outputs(out)[CRATE]
    path.write_text(receipt_text(seal_receipt(facts)), "utf-8")


def units_of(home: Path) -> list[Path]:
    """Return the folders of the units' reports."""
    return sorted((home / "out/units").iterdir())


# ── text files


def replace_in(name: str, pattern: str, new: str) -> Callable[[Path], None]:
    """Return an edit: the first match in a file of the first unit, or below the outputs."""

    def edit(home: Path) -> None:
        path = home / "out" / name if "/" in name or name == "index.html" else None
        path = path or units_of(home)[0] / name
        text = path.read_bytes().decode("utf-8")
        changed = re.sub(pattern, new, text, count=1, flags=re.DOTALL)
        assert changed != text, (name, pattern)
        path.write_bytes(changed.encode("utf-8"))

    return edit


def html(pattern: str, new: str) -> Callable[[Path], None]:
    """Return an edit of the page of the first unit."""
    return replace_in(f"{REPORT}.html", pattern, new)


def lines(name: str, change: Callable[[list[str]], list[str]]) -> Callable[[Path], None]:
    """Return an edit of the lines of a table."""

    def edit(home: Path) -> None:
        path = home / "out/tables" / name
        rows = path.read_bytes().decode("utf-8").split("\n")
        path.write_bytes("\n".join(change(rows)).encode("utf-8"))

    return edit


# ── office files


def office(name: str, change: Callable[[Parts], Mapping[str, bytes]]) -> Callable[[Path], None]:
    """Return an edit of the parts of a Word file or workbook of the first unit."""

    def edit(home: Path) -> None:
        path = units_of(home)[0] / name
        with zipfile.ZipFile(path) as archive:
            parts = {part: archive.read(part) for part in archive.namelist()}
        path.write_bytes(zip_parts((parts | change(parts)).items()))

    return edit


def part(name: str, pattern: str, new: str) -> Callable[[Parts], Mapping[str, bytes]]:
    """Return a change of the first match in one part."""

    def change(parts: Parts) -> Mapping[str, bytes]:
        key = next(key for key in parts if re.fullmatch(name, key))
        text = parts[key].decode("utf-8")
        changed = re.sub(pattern, new, text, count=1, flags=re.DOTALL)
        assert changed != text, (key, pattern)
        return {key: changed.encode("utf-8")}

    return change


def swap_pictures(parts: Parts) -> Mapping[str, bytes]:
    """Return two pictures of a Word file, each in the place of the other."""
    first, second = [name for name in parts if name.startswith("word/media/")][:2]
    return {first: parts[second], second: parts[first]}


# ── PDF


def edit_pdf_text(home: Path) -> None:
    """Shift one letter code of the text of a page."""
    path = units_of(home)[0] / f"{REPORT}.pdf"
    content = path.read_bytes()
    for match in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL):
        try:
            text = zlib.decompress(match[1])
        except zlib.error:
            continue
        changed = re.sub(rb"\(\\000\\001", rb"(\\000\\002", text, count=1)
        if b"]TJ" in text and changed != text:
            new = zlib.compress(changed)
            path.write_bytes(content[: match.start(1)] + new + content[match.end(1) :])
            return
    raise AssertionError(path)


def add_pdf_script(home: Path) -> None:
    """Append an update with a script that runs when the file is opened."""
    path = units_of(home)[0] / f"{REPORT}.pdf"
    action = b"<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>>>"
    path.write_bytes(path.read_bytes() + b"\n9999 0 obj\n" + action + b"\nendobj\n%%EOF\n")


# ── whole files, inputs, receipt


def swap_files(name: str) -> Callable[[Path], None]:
    """Return an edit: two units get each other's file."""

    def edit(home: Path) -> None:
        first, second = (folder / name for folder in units_of(home)[:2])
        content = first.read_bytes()
        first.write_bytes(second.read_bytes())
        second.write_bytes(content)

    return edit


def delete(name: str) -> Callable[[Path], None]:
    """Return an edit: a file of the first unit is gone."""
    return lambda home: (units_of(home)[0] / name).unlink()


def copy_over(source: str, target: str) -> Callable[[Path], None]:
    """Return an edit: one file of the first unit instead of another."""

    def edit(home: Path) -> None:
        shutil.copy(units_of(home)[0] / source, units_of(home)[0] / target)

    return edit


def change_receipt(change: Callable[[dict], object]) -> Callable[[Path], None]:
    """Return an edit of the facts of the receipt."""

    def edit(home: Path) -> None:
        path = home / "out/receipt.json"
        facts = json.loads(path.read_text("utf-8"))
        change(facts)
        path.write_text(receipt_text(facts), "utf-8")

    return edit


def change_answer(home: Path) -> None:
    """Change one answer of the first form."""
    path = home / "inputs/answers.csv"
    text = path.read_text("utf-8")
    path.write_text(
        re.sub(r"(\nso-\w+),(\d)", lambda m: f"{m[1]},{int(m[2]) % 5 + 1}", text, count=1), "utf-8"
    )


def list_figure_twice(facts: dict) -> None:
    """List a false figure before the true one of the same name."""
    facts["figures"].insert(0, facts["figures"][0] | {"value": 99.9})


def claim_another_machine(home: Path) -> None:
    """Show a false page inside the page, and say that another machine made it."""
    html("(<main[^>]*>)", r'\1<iframe srcdoc="99,99%"></iframe>')(home)
    change_receipt(lambda facts: facts["program"].update(machine="Linux aarch64"))(home)


SPAN = '(<span data-figure="[^"]*">)'
WORD = r"word/document\.xml"
SHEET = r"xl/worksheets/sheet2\.xml"
EDITS: dict[str, Callable[[Path], None]] = {
    "html: number of a figure": html(rf"{SPAN}\d", r"\g<1>99"),
    "html: number without id": html(r"(<title>[^<]*\d)", r"\g<1>1"),
    "html: word of a sentence": html(r"(<p[^>]*>[^<]*) (\w+)", r"\1 không"),
    "html: sentence added": html(r"(<main[^>]*>)", r"\1<p>Đạt mọi mục tiêu.</p>"),
    "html: row of a table removed": html(r"(<tbody>\s*)<tr>.*?</tr>", r"\1"),
    "html: rows of a table swapped": html(
        r"(<tr>(?:(?!</tr>).)*</tr>)(\s*)(<tr>(?:(?!</tr>).)*</tr>)(?=\s*</tbody>)", r"\3\2\1"
    ),
    "html: id of a figure removed": html(rf"{SPAN}([^<]*)</span>", r"\g<2>1"),
    "html: id of another figure": html('data-figure="[^"]*"', 'data-figure="A1#value"'),
    "html: link": html('href="#', 'href="https://example.org/#'),
    "html: script": html("</body>", "<script>document.title = 1</script></body>"),
    "html: event": html("<main", '<main onclick="this.remove()"'),
    "html: CSS content": html("</style>", "td::after{content:'9'}</style>"),
    "html: CSS hides rows": html("</style>", "tbody tr{display:none}</style>"),
    "html: hidden section": html("<section", "<section hidden"),
    "html: direction of text": html(r"(<p[^>]*>)", "\\1\N{RIGHT-TO-LEFT OVERRIDE}"),
    "html: invisible letter": html(rf"{SPAN}(\d)", "\\1\\2\N{ZERO WIDTH SPACE}"),
    "html: picture": html(r"(data:image/svg\+xml,[^\"]*?M)\d", r"\g<1>9"),
    "html: text of a picture": html('alt="', 'alt="Tốt. '),
    "html: remark in the source": html("</main>", "<!-- 9 --></main>"),
    "page of the wave: number": replace_in("index.html", rf"{SPAN}\d", r"\g<1>99"),
    "page of the wave: link": replace_in(
        "index.html", r"units/so-\w+/report", "units/so-other/report"
    ),
    "page of the receipt: number": replace_in("./receipt.vi.html", rf"{SPAN}\d", r"\g<1>99"),
    "reports of two units swapped": swap_files(f"{REPORT}.html"),
    "report removed": delete(f"{REPORT}.html"),
    "letter in place of the report": copy_over(f"{LETTER}.docx", f"{REPORT}.docx"),
    "csv: number": lines("figures.csv", lambda rows: [*rows[:3], rows[3] + "1", *rows[4:]]),
    "csv: rows in another order": lines(
        "ranking.csv", lambda rows: [rows[0], rows[2], rows[1], *rows[3:]]
    ),
    "csv: row removed": lines("scores.csv", lambda rows: [*rows[:2], *rows[3:]]),
    "word: number of a figure": office(
        f"{REPORT}.docx",
        part(WORD, r'(w:name="_figure_\d+"/><w:r>(?:(?!<w:t).)*<w:t[^>]*>)', r"\g<1>9"),
    ),
    "word: sentence": office(
        f"{REPORT}.docx", part(WORD, r"(<w:t(?: [^>]*)?>[^<]+)", r"\1 và tốt")
    ),
    "word: hidden text": office(
        f"{REPORT}.docx",
        part(WORD, "<w:r>", "<w:r><w:rPr><w:vanish/></w:rPr><w:t>ẩn</w:t></w:r><w:r>"),
    ),
    "word: footer": office(
        f"{REPORT}.docx", part(r"word/header1\.xml", "<w:r>", "<w:r><w:t>1</w:t>")
    ),
    "word: macro": office(f"{REPORT}.docx", lambda _: {"word/vbaProject.bin": b"x"}),
    "word: pictures swapped": office(f"{REPORT}.docx", swap_pictures),
    "excel: number": office(f"{REPORT}.xlsx", part(SHEET, r"(<v>\d+\.)\d", r"\g<1>99")),
    "excel: text": office(f"{REPORT}.xlsx", part(r"xl/sharedStrings\.xml", "(<t[^>]*>)", r"\1X")),
    "excel: hidden row": office(f"{REPORT}.xlsx", part(SHEET, "<row ", '<row hidden="1" ')),
    "excel: formula": office(f"{REPORT}.xlsx", part(SHEET, "<v>", "<f>1+1</f><v>")),
    "pdf: text": edit_pdf_text,
    "pdf: script": add_pdf_script,
    "pdf: of another unit": swap_files(f"{REPORT}.pdf"),
    "receipt: figure": change_receipt(lambda facts: facts["figures"][0].update(value=99.9)),
    "receipt: figure listed twice": change_receipt(list_figure_twice),
    "receipt: name of an input": change_receipt(
        lambda facts: facts["inputs"][-1].update(file="nguyen-van-a.csv")
    ),
    "receipt: another lock": change_receipt(lambda facts: facts["program"].update(lock="0" * 64)),
    "receipt: private receipt": change_receipt(lambda facts: facts.update(private="0" * 64)),
    "another machine, a page inside the page": claim_another_machine,
    "receipt: forms": change_receipt(lambda facts: facts["rows"].update(kept=1)),
    "receipt: another program": change_receipt(
        lambda facts: facts["program"].update(sha256="0" * 64)
    ),
    "answer": change_answer,
}
