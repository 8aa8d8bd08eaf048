"""An auditor gets the same figure and finds the one that was changed: 500 edits, 500 found."""

import base64
import hashlib
import json
import random
import re
import shutil
import zipfile
from contextlib import contextmanager, nullcontext
from functools import cache, partial
from html import escape, unescape
from pathlib import Path

import pandas as pd
import pytest
import yaml
from conftest import FACTS, PACK
from forgeries import EDITS as FORGERIES
from forgeries import reseal
from rocrate.rocrate import ROCrate
from sizes import sizes

from sipas_analysis.collect.survey import read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.documents.writers.html import write_html
from sipas_analysis.errors import ReceiptError
from sipas_analysis.figures.published import Figures
from sipas_analysis.files import hash_file
from sipas_analysis.messages import format_number
from sipas_analysis.proof.archive import open_archive, open_run, write_archive
from sipas_analysis.proof.archive import verify_run as verify_any_run
from sipas_analysis.proof.findings import Finding, Verification
from sipas_analysis.proof.read_back import read_printed
from sipas_analysis.proof.receipt import (
    RECEIPT_FORMAT,
    keep_old_receipt,
    read_receipt,
    receipt_facts,
    seal_receipt,
    write_receipt,
)
from sipas_analysis.proof.receipt_page import make_receipt_page
from sipas_analysis.proof.ro_crate import write_crate
from sipas_analysis.proof.verification_page import describe_verification
from sipas_analysis.proof.verify import verify as verify_folder
from sipas_analysis.runs.annual_run import RunRequest, run_wave
from sipas_analysis.runs.remake import remake

pytestmark = pytest.mark.slow  # tests/unit/proof holds the quick ones

UNITS = "code,name_vi,name_en,group\n" + "".join(
    f"so-{it},Sở {it.upper()},Department {it.upper()},departments\n" for it in "abcd"
)
ITEMS = ("A1", "A2", "D1", "OVERALL")
BATCHES, EDITS = 50, 10  # CI runs the first batch


def answers():
    """Forty forms from each of four units, all questions answered."""
    draw = random.Random(2024)
    rows = [
        f"so-{unit}," + ",".join(str(draw.choice([2, 3, 4, 4, 5, 5])) for _ in ITEMS) + ",male"
        for unit in "abcd"
        for _ in range(40)
    ]
    return "\n".join(["unit," + ",".join(ITEMS) + ",sex", *rows]) + "\n"


PLAN = """id,unit,item,task,owner,due,budget,indicator,target,status,note,remark,measure,wave
P01,*,A1,Kê thêm ghế,Chánh Văn phòng,,40 triệu,survey,100,approved,,hỏi anh Nam,,small-2024
so-a-01,so-a,A2,=SUM(A1),,,,survey,100,approved,,,,small-2024
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A small province and its four units, published in peace: inputs, outputs, receipt."""
    home = tmp_path_factory.mktemp("audit")
    inputs, out = home / "inputs", home / "out"
    inputs.mkdir()
    facts = FACTS | {"languages": ["vi"], "min_forms": 20}
    texts = {
        "pack.yaml": PACK,
        "units.csv": UNITS,
        "answers.csv": answers(),
        "plan.csv": PLAN,
        "wave.yaml": yaml.safe_dump(facts, allow_unicode=True),
    }
    for name, text in texts.items():
        (inputs / name).write_text(text, "utf-8")
    survey = read_survey(read_wave(inputs / "wave.yaml"))
    assert run_wave(survey, RunRequest(out, formats=FORMATS.split(","))) == {}
    return home


@pytest.fixture(scope="module", autouse=True)
def remade(made):
    """The files of the run, made again once for all tests."""
    survey = read_survey(read_wave(made / "inputs/wave.yaml"))
    with remake(survey, read_receipt(made / "out")) as folder:
        REMADE.append(folder)
        yield folder
    REMADE.clear()


REMADE = []


def remake_once(_survey, _facts):
    """Give the files that were made again, whatever the receipt says now."""
    return nullcontext(REMADE[0])


verify = partial(verify_folder, remake=remake_once)
verify_run = partial(verify_any_run, remake=remake_once)


FORMATS = "html,docx,xlsx"


@pytest.fixture(scope="module")
def packed(made, tmp_path_factory):
    """The run in an archive."""
    path = tmp_path_factory.mktemp("packed") / "a.zip"
    return write_archive(made / "out", path, made / "inputs")


@pytest.fixture
def copy(made, tmp_path):
    """The run again, to be spoilt."""
    shutil.copytree(made, tmp_path / "copy")
    return tmp_path / "copy"


# ── the edits: each returns the file it spoilt, and the figure where it knows it


def edit_input(home, draw):
    """Change one answer to another level."""
    path = home / "inputs/answers.csv"
    lines = path.read_text("utf-8").splitlines()
    row, column = draw.randrange(1, len(lines)), draw.randrange(1, len(ITEMS) + 1)
    cells = lines[row].split(",")
    cells[column] = draw.choice([it for it in "12345" if it != cells[column]])
    lines[row] = ",".join(cells)
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return "input", "answers.csv", ""


def edit_rule(home, draw):
    """Change one line of the pack: a word, a level, a status."""
    path = home / "inputs/pack.yaml"
    lines = path.read_text("utf-8").splitlines()
    at = draw.choice([k for k, line in enumerate(lines) if "status: " in line or "vi: " in line])
    lines[at] = lines[at].replace("vi: ", "vi: X", 1) if "vi: " in lines[at] else lines[at] + " "
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return "input", "pack.yaml", ""


def edit_plan(home, draw):
    """Change who is in charge of a line of the plan, and how it stands."""
    path, text = home / "inputs/plan.csv", PLAN.replace("approved", "done", 1)
    path.write_text(text.replace("Chánh", draw.choice(["Phó", "Trưởng"])), "utf-8")
    return "input", "plan.csv", ""


def edit_byte(home, draw):
    """Change one byte of any output."""
    proved = json.loads((home / "out" / RECEIPT).read_text("utf-8"))["outputs"]
    paths = sorted(home / "out" / name for name in proved)
    path = draw.choice(paths)
    data = bytearray(path.read_bytes())
    data[draw.randrange(len(data))] ^= 1 + draw.randrange(255)
    path.write_bytes(data)
    return "output", path.relative_to(home / "out").as_posix(), ""


RECEIPT = "receipt.json"


def edit_digit(home, draw):
    """Change one digit of one printed figure in HTML, Word or Excel."""
    path = draw.choice(sorted((home / "out").rglob(f"*.vi.{draw.choice(FORMATS.split(','))}")))
    if path.suffix == ".html":
        text = path.read_text("utf-8")
        found = draw.choice([*re.finditer('<span data-figure="([^"]+)">([^<]*)</span>', text)])
        new = _other(found[2], draw)
        path.write_text(text[: found.start(2)] + new + text[found.end(2) :], "utf-8")
        return "printed", path.relative_to(home / "out").as_posix(), found[1]
    figure = (_in_word if path.suffix == ".docx" else _in_excel)(path, draw)
    return "printed", path.relative_to(home / "out").as_posix(), figure


def _other(text, draw):
    at = draw.choice([k for k, letter in enumerate(text) if letter.isdigit()])
    return text[:at] + draw.choice([it for it in "123456789" if it != text[at]]) + text[at + 1 :]


def _in_word(path, draw):
    parts = _parts(path)
    text = parts["word/document.xml"].decode("utf-8")
    pattern = r'w:name="(_figure_\d+)"/><w:r><w:t[^>]*>([^<]*)</w:t>'
    found = draw.choice([*re.finditer(pattern, text)])
    text = text[: found.start(2)] + _other(found[2], draw) + text[found.end(2) :]
    listed = parts["customXml/figures.xml"].decode("utf-8")
    one = re.search(f'mark="{found[1]}" id="([^"]*)" column="([^"]*)"', listed)
    _write(path, parts | {"word/document.xml": text.encode("utf-8")})
    return f"{one[1]}#{one[2]}"


def _in_excel(path, draw):
    import openpyxl

    book = openpyxl.load_workbook(path)
    rows = [*book["ids"].iter_rows(min_row=2, values_only=True)]
    name = _edit_cell(book, draw.choice(rows), draw)
    book.save(path)
    return name


def _edit_cell(book, row, draw):
    """Change the number of one cell, or the number inside its text; return its figure."""
    sheet, place, figure, column, _, start = row
    cell = book[sheet][place]
    if start in (None, ""):
        cell.value += draw.choice([-1, 1, 10])
    else:
        text, at = cell.value, start + (cell.value[start] == "−")
        cell.value = text[:at] + ("7" if text[at] != "7" else "3") + text[at + 1 :]
    return f"{figure}#{column}"


def _parts(path):
    with zipfile.ZipFile(path) as held:
        return {name: held.read(name) for name in held.namelist()}


def _write(path, parts):
    with zipfile.ZipFile(path, "w") as held:
        for name, data in parts.items():
            held.writestr(name, data)


def edit_receipt(home, draw):
    """Change one value anywhere in the receipt."""
    path = home / "out" / RECEIPT
    facts = json.loads(path.read_text("utf-8"))
    leaves = [*_leaves(facts, ())]
    *way, last = draw.choice([leaf for leaf in leaves if leaf != ("format",)])
    held = facts
    for step in way:
        held = held[step]
    old = held[last]
    if isinstance(old, bool):
        held[last] = not old
    else:
        held[last] = old + 1 if isinstance(old, int | float) else f"{old}x"
    path.write_text(json.dumps(facts), "utf-8")
    return "receipt", RECEIPT, ""


def _leaves(held, way):
    if isinstance(held, dict | list):
        for key, value in held.items() if isinstance(held, dict) else enumerate(held):
            yield from _leaves(value, (*way, key))
    else:
        yield way


EDITED = [edit_byte, edit_digit, edit_digit, edit_receipt, edit_receipt]
EDITED += [edit_input, edit_rule, edit_plan]


@cache
def index_of(home, _text):
    """All figures of a wave, by its answers."""
    return Figures(read_survey(read_wave(home / "inputs/wave.yaml"))).by_id.set_index("id")


def moved(before, after):
    """Names of the figures that are not the same in two waves, by the tables alone."""
    both = [index_of(home, (home / "inputs/answers.csv").read_text()) for home in (before, after)]
    names = set()
    ids = [it for it in both[0].index.union(both[1].index) if not it.startswith("pair:")]
    old, new = (table.reindex(ids) for table in both)
    for column in both[0].columns.drop("rule"):
        a, b = old[column], new[column]
        if column != "printed":
            a, b = (pd.to_numeric(it).map("{:.10g}".format) for it in (a, b))
        apart = (a.fillna("") != b.fillna("")).to_numpy()
        names |= {f"{key}#{column}" for key in pd.Index(ids)[apart]}
    return names


def checked(home):
    """Return the verification; a receipt that is refused is as good as one that is found edited."""
    try:
        return verify(home / "out", home / "inputs")
    except ReceiptError as error:
        file = RECEIPT if RECEIPT in error.text("en") else ""
        return Verification("", (Finding("receipt", file),), False, 0, 0, 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "batch", [0, *(pytest.param(it, marks=pytest.mark.full) for it in range(1, BATCHES))]
)
def test_every_edit_is_found(made, copy, batch):
    """500 random single edits in 50 batches: the right file, and for inputs the right figures."""
    draw = random.Random(batch)
    for k in range(EDITS):
        edit = EDITED[(batch * EDITS + k) % len(EDITED)]
        kind, file, figure = edit(copy, draw)
        verification = checked(copy)
        assert verification.grade == "different", (edit.__name__, file)
        said = {(finding.kind, finding.file) for finding in verification.faults}
        assert (kind, file) in said, (edit.__name__, said)
        if figure:
            assert figure in {
                finding.figure for finding in verification.faults if finding.file == file
            }
        if file == "answers.csv":
            named = {
                finding.figure
                for finding in verification.findings
                if finding.kind in ("figure", "close")
            }
            assert named == moved(made, copy)
        shutil.rmtree(copy)
        shutil.copytree(made, copy)


@pytest.mark.slow
@sizes("times", 2, 50)
def test_untouched_runs_raise_no_alarm(made, times):
    """The same every time, in the same words."""
    found = [verify(made / "out", made / "inputs") for _ in range(times)]
    assert {it.grade for it in found} == {"same"}
    assert {it.findings for it in found} == {()}


def test_an_untouched_run_is_the_same(made):
    """Everything is compared: files and figures; no note is left."""
    verification = verify(made / "out", made / "inputs")
    assert (verification.grade, verification.findings) == ("same", ())
    assert verification.n_outputs > 15
    assert verification.n_figures > 60


@pytest.mark.parametrize("edit", [edit_byte, edit_digit, edit_receipt, edit_input, edit_plan])
def test_one_edit_of_each_kind_is_found(made, copy, edit):
    """What was edited is named; nothing of it is called the same."""
    kind, file, figure = edit(copy, random.Random(7))
    verification = checked(copy)
    assert verification.grade == "different"
    assert (kind, file) in {(finding.kind, finding.file) for finding in verification.faults}
    assert not figure or figure in {finding.figure for finding in verification.faults}
    has_other_input = kind == "input"  # then nothing printed is held against its figures
    assert not (has_other_input and "printed" in kinds_of_faults(verification))


FORGED = (  # the kind of finding that explains each
    {
        "html: link": "link",
        "html: script": "script",
        "html: CSS content": "style",
        "html: hidden section": "hidden",
        "html: direction of text": "letter",
        "page of the receipt: number": "printed",
        "csv: rows in another order": "text",
        "word: macro": "part",
    },
    {"report removed": "unlisted", "receipt: another program": "program"},
)


@pytest.mark.parametrize("forged_kinds", FORGED)
def test_edits_that_were_sealed_again_are_found_and_explained(copy, forged_kinds):
    """List, crate and receipt are those of the edited files; made again, the files differ."""
    for name in forged_kinds:
        FORGERIES[name](copy)
    reseal(copy / "out")
    kinds = {finding.kind for finding in checked(copy).faults}
    assert {*forged_kinds.values()} <= kinds
    assert not kinds & {"output", "missing", "receipt"}  # the receipt itself agrees


def test_a_file_that_no_run_makes_and_a_report_that_is_not_there_are_said(copy):
    """A listed file of no run is a fault; a letter that was left out is a note."""
    (copy / "out/units/so-a/letter.vi.docx").unlink()
    (copy / "out/units/so-a/best.html").write_text("1", "utf-8")
    facts = json.loads((copy / "out" / RECEIPT).read_text("utf-8"))
    del facts["outputs"]["units/so-a/letter.vi.docx"]
    facts["outputs"]["units/so-a/best.html"] = hashlib.sha256(b"1").hexdigest()
    write_receipt(seal_receipt(facts), copy / "out")
    found = {(finding.kind, finding.file) for finding in checked(copy).findings}
    assert ("invented", "units/so-a/best.html") in found
    assert ("no_report", "units/so-a/letter.vi.docx") in found


def test_no_receipt_chooses_how_strictly_it_is_compared(copy):
    """Other bytes under another Python are not verified, whatever the receipt says of it."""

    def claim_another(facts):
        facts["program"].update(python="3.99.0")

    FORGERIES["html: picture"](copy)
    reseal(copy / "out")
    verification = forged(copy, claim_another)
    assert (verification.grade, verification.recomputed) == ("partly", True)
    assert "layout" in {finding.kind for finding in verification.findings}
    assert "have other bytes" in next(describe_verification(verification, "en"))
    FORGERIES["html: word of a sentence"](copy)
    reseal(copy / "out")
    assert verify(copy / "out", copy / "inputs").grade == "different"


ABOUT_INPUTS = {"input", "answers", "unread", "figure", "stranger", "zip"}


def kinds_of_faults(verification):
    """The kinds of what is wrong; a receipt made by hand lists few of the files of a run."""
    return {finding.kind for finding in verification.faults}


def kinds_of(names):
    """One name of each kind of figure, by what stands before the colon."""
    return {re.split("[:@#]", name)[0] if ":" in name else "index": name for name in names}


def spoil_every_kind(path, draw):
    """Change one number of each kind of figure in an annex; return the figures by kind."""
    if path.suffix == ".xlsx":
        import openpyxl

        book = openpyxl.load_workbook(path)
        rows = [*book["ids"].iter_rows(min_row=2, values_only=True)]
        spoilt = kinds_of(f"{row[2]}#{row[3]}" for row in rows)
        for row in rows:
            if f"{row[2]}#{row[3]}" in spoilt.values():
                _edit_cell(book, row, draw)
        book.save(path)
        return spoilt
    if path.suffix == ".html":
        text, pattern = path.read_text("utf-8"), '<span data-figure="([^"]+)">([^<]*)</span>'
        spoilt = kinds_of(unescape(match[1]) for match in re.finditer(pattern, text))
        for name in map(escape, spoilt.values()):
            start = text.index(f'<span data-figure="{name}">') + len(f'<span data-figure="{name}">')
            end = text.index("<", start)
            text = text[:start] + _other(text[start:end], draw) + text[end:]
        path.write_text(text, "utf-8")
        return spoilt
    parts = _parts(path)
    text, listed = (parts[name].decode() for name in ("word/document.xml", "customXml/figures.xml"))
    marks = re.findall('mark="([^"]+)" id="([^"]*)" column="([^"]*)"', listed)
    spoilt = kinds_of(f"{unescape(key)}#{column}" for _, key, column in marks)
    for mark, key, column in marks:
        if f"{unescape(key)}#{column}" in spoilt.values():
            number = re.search(rf'w:name="{mark}"/><w:r>.*?<w:t[^>]*>([^<]*)</w:t>', text)
            text = text[: number.start(1)] + _other(number[1], draw) + text[number.end(1) :]
    _write(path, parts | {"word/document.xml": text.encode("utf-8")})
    return spoilt


KINDS = "index people setting forms wording rule pooled pooled.borrowed robust linear alpha"


@pytest.mark.parametrize(
    ("name", "kinds"),
    [("annexes.vi.html", KINDS), ("annexes.vi.docx", KINDS), ("annexes.vi.xlsx", "index setting")],
)
def test_an_edited_number_of_every_kind_is_found(copy, name, kinds):
    """People, settings, rules, other ranks, models: none can be altered unseen, nor in a text."""
    spoilt = spoil_every_kind(copy / "out/province" / name, random.Random(5))
    assert {*kinds.split()} <= spoilt.keys()
    named = {it.figure for it in checked(copy).faults if it.file == f"province/{name}"}
    assert {*spoilt.values()} <= named


def test_without_the_inputs_nothing_is_verified(copy, tmp_path):
    """Missing inputs are said; the grade is that of a part, and exit code 1."""
    path = write_archive(copy / "out", tmp_path / "a.zip", copy / "inputs")
    shutil.rmtree(copy / "inputs")
    verification = verify(copy / "out", copy / "inputs")
    assert verification.grade == "partly"
    assert [finding.kind for finding in verification.findings] == ["absent"]
    open_archive(path, tmp_path / "open")
    shutil.rmtree(tmp_path / "open/inputs")
    with open_run(tmp_path / "open") as run:
        assert verify_run(run).grade == "partly"


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"format": "sipas-receipt/3"}', b"\xff\xfe"])
def test_a_receipt_that_is_none_is_refused(copy, data):
    """A clear sentence, never a crash."""
    (copy / "out" / RECEIPT).write_bytes(data)
    with pytest.raises(ReceiptError):
        verify(copy / "out", copy / "inputs")


def test_a_receipt_of_another_format_says_which(copy):
    """A pack or receipt of a newer version is not guessed at."""
    path = copy / "out" / RECEIPT
    path.write_text(path.read_text("utf-8").replace(RECEIPT_FORMAT, "sipas-receipt/99"), "utf-8")
    with pytest.raises(ReceiptError, match="sipas-receipt/99"):
        verify(copy / "out", copy / "inputs")


def test_an_input_that_was_cut_is_named_with_its_reason(copy):
    """Half a file: it is not the one that was read, and why it cannot be read."""
    path = copy / "inputs/answers.csv"
    path.write_text(path.read_text("utf-8")[:20], "utf-8")
    verification = verify(copy / "out", copy / "inputs")
    assert verification.grade == "different"
    assert {finding.kind for finding in verification.faults} >= {"input", "unread"}


# ── for people and for tools of others


def test_the_readable_receipt_shows_what_the_receipt_says(made):
    """Inputs by hash, rules with status, the program, each index unrounded with its division."""
    facts = json.loads((made / "out" / RECEIPT).read_text("utf-8"))
    page = (made / "out/receipt.vi.html").read_text("utf-8")
    shown = unescape(re.sub("<[^>]+>", "|", page))
    for one in facts["inputs"]:
        assert {one["file"], one.get("sha256", "–")} <= {*shown.split("|")}
    assert facts["answers"] in shown
    assert facts["program"]["sha256"] in shown
    assert facts["pack"]["sha256"] in shown
    assert facts["sha256"] not in page  # the page is one of the files that this hash proves
    assert "chưa đối chiếu nguồn" in shown
    own = {it["id"]: it for it in facts["figures"] if it["id"].startswith("overall")}
    seen = [it for it in read_printed(made / "out/receipt.vi.html") if it.column == "value"]
    assert {it.id for it in seen} == own.keys()
    assert all(it.text == format_number(own[it.id]["value"], "vi", 8) for it in seen)
    assert {name: it for name, it in facts["outputs"].items() if name.startswith("receipt")} == {
        "receipt.vi.html": hashlib.sha256(page.encode("utf-8")).hexdigest()
    }


def crate_of(folder):
    """Read an RO-Crate with the library of its community."""
    found = ROCrate(folder)
    run = found.get("#run")
    assert run.type == "CreateAction"
    assert run["instrument"].type == "SoftwareApplication"
    assert found.root_dataset["conformsTo"].id == "https://w3id.org/ro/wfrun/process/0.5"
    return run


def test_the_crate_says_what_made_which_file_from_which_input(made, tmp_path):
    """Every output by its hash; inputs by content in a folder, as files in an archive."""
    facts = json.loads((made / "out" / RECEIPT).read_text("utf-8"))
    run = crate_of(made / "out")
    files = {it.id: it["sha256"] for it in run["result"]}
    assert files == {k: v for k, v in facts["outputs"].items() if k != "ro-crate-metadata.json"}
    inputs = {source["file"]: source.get("sha256") for source in facts["inputs"]}
    assert inputs["responses-1.csv"] is None  # a file of few forms could be guessed by its hash
    assert {it["name"]: it.get("sha256") for it in run["object"]} == inputs
    first = run["object"][0]
    content = first.id.removeprefix("ni:///sha-256;").partition("?")[0]
    digest = base64.urlsafe_b64decode(content + "=").hex()
    assert digest == first["sha256"]
    path = write_archive(made / "out", tmp_path / "a.zip", made / "inputs")
    open_archive(path, tmp_path / "open")
    run = crate_of(tmp_path / "open")
    for it in (*run["result"], *run["object"]):
        data = (tmp_path / "open" / it.id).read_bytes()
        assert it.get("sha256") in (None, hashlib.sha256(data).hexdigest())
    names = ("wave.yaml", "pack.yaml", "units.csv", "answers.csv", "plan.csv")
    assert {it.id for it in run["object"]} == {f"inputs/{name}" for name in names}
    assert {*inputs} == {"wave.yaml", "pack.yaml", "units.csv", "responses-1.csv", "plan.csv"}


# ── archives


def test_an_archive_proves_itself(made, tmp_path):
    """One file: unfolded elsewhere it is the same; two archives have the same bytes."""
    paths = [write_archive(made / "out", tmp_path / name, made / "inputs") for name in ("a", "b")]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    run = open_archive(paths[0], tmp_path / "open")
    assert verify_run(run).grade == "same"
    names = {it.partition("/")[0] for it in zipfile.ZipFile(paths[0]).namelist()}
    assert names == {
        "README.vi.txt",
        "README.en.txt",
        "ro-crate-metadata.json",
        "outputs",
        "inputs",
        "inputs.json",
        "program",
    }
    with open_run(tmp_path / "open") as unpacked:
        assert verify_run(unpacked).grade == "same"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("program/requirements.lock", "program/requirements.lock"),
        ("program/pyproject.toml", "program/pyproject.toml"),
        ("program/sipas_analysis/proof/verify.py", "program"),
        ("program/notebooks/audit.ipynb", "program"),
        ("README.vi.txt", "README.vi.txt"),
        ("ro-crate-metadata.json", "ro-crate-metadata.json"),
    ],
)
def test_what_lies_beside_a_run_in_its_archive_is_checked_too(packed, tmp_path, name, said):
    """Who opens an archive does what its README says and runs what lies in it."""
    run = open_archive(packed, tmp_path / "open")
    with (run.folder / name).open("a", encoding="utf-8") as handle:
        handle.write("\n# another\n")
    verification = verify_run(run)
    assert verification.grade == "different"
    assert [(finding.kind, finding.file) for finding in verification.faults] == [("output", said)]


def test_an_archive_of_another_programs_run_says_where_to_take_it(copy, tmp_path):
    """This program did not make the run: it does not pass for the one that did."""
    facts = json.loads((copy / "out" / RECEIPT).read_text("utf-8"))
    by = facts["program"] | {"version": "0.1", "sha256": "0" * 64, "commit": "a" * 40}
    write_receipt(seal_receipt(facts | {"program": by}), copy / "out")
    path = write_archive(copy / "out", tmp_path / "a.zip", copy / "inputs")
    with zipfile.ZipFile(path) as held:
        assert not any(name.startswith("program") for name in held.namelist())
        assert (
            f"install sipas_analysis 0.1 (commit {'a' * 40})" in held.read("README.en.txt").decode()
        )
    verification = verify_run(open_archive(path, tmp_path / "open"))
    assert "version" in {finding.kind for finding in verification.findings}


@pytest.mark.parametrize("first", ["../out/receipt.json", "/etc/hostname", ""])
def test_a_receipt_leads_to_no_file_outside_its_archive(packed, tmp_path, first):
    """The wave's own file is the first input; a forged receipt cannot name another place."""
    run = open_archive(packed, tmp_path / "open")
    facts = json.loads((run.out / RECEIPT).read_text("utf-8"))
    facts["inputs"][0]["file"] = first
    write_receipt(seal_receipt(facts), run.out)
    with open_run(tmp_path / "open") as again:
        assert again.wave is None or again.wave.is_relative_to(tmp_path / "open/inputs")
        assert verify_run(again).grade in ("partly", "different")


def test_what_this_machine_cannot_do_is_no_fault_of_the_run(copy):
    """Files that cannot be made again are not verified; a lost private receipt is a note."""

    @contextmanager
    def fail(_survey, _facts):
        raise OSError("no space left")
        yield

    (copy / "out/receipt.private.json").unlink()
    verification = verify_folder(copy / "out", copy / "inputs", remake=fail)
    assert (verification.grade, verification.faults) == ("partly", [])
    assert {finding.kind for finding in verification.findings} == {"unmade", "no_private"}
    assert verification.n_printed > 30
    assert "this machine cannot make" in next(describe_verification(verification, "en"))


def test_other_libraries_or_another_lock_are_said(copy):
    """Another Python: never SAME. Another lock of the same version: no receipt of this program."""
    facts = json.loads((copy / "out" / RECEIPT).read_text("utf-8"))
    lock = facts["program"] | {"lock": "0" * 64}
    write_receipt(seal_receipt(facts | {"program": lock}), copy / "out")
    faults = verify(copy / "out", copy / "inputs").faults
    assert [(finding.kind, finding.figure) for finding in faults] == [("facts", "program.lock")]
    python = facts["program"] | {"python": "3.99.0"}
    write_receipt(seal_receipt(facts | {"program": python}), copy / "out")
    verification = verify(copy / "out", copy / "inputs")
    assert (verification.grade, verification.faults) == ("elsewhere", [])
    assert [(finding.kind, finding.figure) for finding in verification.findings] == [
        ("environment", "python")
    ]
    assert next(describe_verification(verification, "en")).startswith(
        "SAME FIGURES, OTHER ENVIRONMENT"
    )
    commit = facts["program"] | {"commit": "another"}
    write_receipt(seal_receipt(facts | {"program": commit}), copy / "out")
    assert verify(copy / "out", copy / "inputs").grade == "same"


def test_a_public_archive_holds_no_form(made, tmp_path):
    """Suppressed tables only; what can be checked is checked, and no more is claimed."""
    path = write_archive(made / "out", tmp_path / "a.zip", made / "inputs", public=True)
    names = zipfile.ZipFile(path).namelist()
    assert {name.partition("/")[0] for name in names} == {
        "README.vi.txt",
        "README.en.txt",
        "ro-crate-metadata.json",
        "outputs",
        "program",
    }
    assert all(
        "tables/" in name or "receipt" in name for name in names if name.startswith("outputs")
    )
    content = b"".join(map(zipfile.ZipFile(path).read, names))
    assert b"Ch\xc3\xa1nh V\xc4\x83n ph\xc3\xb2ng" in content  # the plan is published
    assert b"40 tri" not in content  # budgets and remarks are not
    assert b"anh Nam" not in content
    run = open_archive(path, tmp_path / "open")
    assert run.wave is None
    assert verify_run(run).grade == "partly"
    assert verify_run(run, made / "inputs").grade == "same"
    table = run.out / "tables/figures.csv"
    table.write_bytes(table.read_bytes().replace(b"5", b"6", 1))
    assert verify_run(run).grade == "different"


@pytest.mark.parametrize("name", ["inputs/answers.csv", "out/units/so-a/report.vi.docx"])
def test_what_is_not_proved_is_not_archived(copy, tmp_path, name):
    """An input or output that changed since the run: refused, with its name; nothing is written."""
    (copy / name).write_bytes((copy / name).read_bytes() + b" ")
    with pytest.raises(ReceiptError, match=Path(name).name):
        write_archive(copy / "out", tmp_path / "a.zip", copy / "inputs")
    assert not (tmp_path / "a.zip").exists()


def test_the_name_of_a_file_is_private(made, tmp_path):
    """A file may be called after a person: only the archive of the office holds its name."""
    home = tmp_path / "home"
    shutil.copytree(made / "inputs", home / "inputs")
    (home / "inputs/answers.csv").rename(home / "inputs/Nguyễn Văn A 0912.csv")
    path = home / "inputs/wave.yaml"
    path.write_text(
        path.read_text("utf-8").replace("answers.csv", "Nguyễn Văn A 0912.csv"), "utf-8"
    )
    survey = read_survey(read_wave(path))
    facts = receipt_facts(survey)
    out = home / "out"
    write_html(make_receipt_page(facts, survey), out / "receipt.vi.html", "vi")
    crate = write_crate(facts | {"outputs": {}}, out)
    outputs = {file.name: hash_file(file) for file in (out / "receipt.vi.html", crate)}
    write_receipt(seal_receipt(facts | {"outputs": outputs}), out)
    write_archive(out, home / "public.zip", path, public=True)
    open_archive(home / "public.zip", home / "public")
    for file in (file for folder in ("out", "public") for file in (home / folder).rglob("*")):
        content = file.read_bytes() if file.is_file() and "program" not in file.parts else b""
        for part in (b"A 0912", b"A%200912", b"Nguy"):  # digits alone may stand in a hash
            assert part not in content, (file, part)
    run = open_archive(write_archive(out, home / "a.zip", path), home / "private")
    assert (run.folder / "inputs/Nguyễn Văn A 0912.csv").is_file()
    assert not kinds_of_faults(verify_run(run)) & ABOUT_INPUTS
    answers_path = home / "inputs/Nguyễn Văn A 0912.csv"
    answers_path.write_bytes(answers_path.read_bytes() + b"\n")
    faults = verify(out, path.parent).faults
    assert ("answers", "responses-1.csv") in {(finding.kind, finding.file) for finding in faults}


def test_a_list_of_inputs_that_was_edited_leads_nowhere_else(packed, tmp_path):
    """Names in an archive are only a help: a forged list is a finding, and nothing else is read."""
    run = open_archive(packed, tmp_path / "open")
    (tmp_path / "wave.yaml").write_bytes(run.wave.read_bytes())
    for forged in ('{"wave.yaml": "../wave.yaml"}', '{"wave.yaml": 5}', "[", '{"wave.yaml": "a"}'):
        (run.folder / "inputs.json").write_text(forged, "utf-8")
        with open_run(run.folder) as again:
            assert again.wave is None or again.wave.is_relative_to(run.folder / "inputs")
            assert verify_run(again).grade == "different"


def test_an_archive_without_inputs_takes_none_from_the_machine(made, tmp_path):
    """The receipt says where the inputs were; whoever opens an archive did not get them with it."""
    home = tmp_path / "home"
    shutil.copytree(made, home)
    path = write_archive(home / "out", tmp_path / "a.zip", public=True)
    run = open_archive(path, home / "unfolded")
    shutil.copytree(home / "inputs", home / "unfolded" / "inputs")  # where the receipt points
    verification = verify_run(run)
    assert not verification.recomputed
    assert kinds_of_faults(verification) == {"stranger"}  # they came with no archive


def test_a_run_with_nothing_to_make_keeps_its_receipt(made):
    """The hash in the minutes stays, though the program has another commit by now."""
    facts = json.loads((made / "out" / RECEIPT).read_text("utf-8"))
    later = seal_receipt({**facts, "program": facts["program"] | {"commit": "another"}})
    assert keep_old_receipt(later, made / "out") == facts
    moved_on = seal_receipt({**later, "program": facts["program"] | {"version": "9"}})
    assert keep_old_receipt(moved_on, made / "out") == moved_on


def test_a_receipt_that_was_edited_is_not_kept(copy):
    """160 and 160.0 are one number, but not one text: the next run writes it anew."""
    path = copy / "out" / RECEIPT
    facts = json.loads(path.read_text("utf-8"))
    path.write_text(path.read_text("utf-8").replace('"kept": 160', '"kept": 160.0'), "utf-8")
    assert '"kept": 160.0' in path.read_text("utf-8")
    write_receipt(keep_old_receipt(facts, copy / "out"), copy / "out")
    assert verify(copy / "out", copy / "inputs").grade == "same"


# ── forged and damaged


def forged(home, change):
    """Change the facts of a receipt and seal it again, as a forger would."""
    facts = json.loads((home / "out" / RECEIPT).read_text("utf-8"))
    change(facts)
    write_receipt(seal_receipt(facts), home / "out")
    return verify(home / "out", home / "inputs")


@pytest.mark.parametrize(
    "change",
    [
        lambda it: it["wave"].update(year=2001),
        lambda it: it["pack"].update(status="sourced"),
        lambda it: it["rules"][0].update(status="sourced"),
        lambda it: it["rounding"].update(decimals=1),
        lambda it: it["rows"].update(kept=161),
        lambda it: it["rows"]["ledger"].append({"reason": "label", "column": "A1", "n": 1}),
    ],
)
def test_a_receipt_that_was_sealed_again_is_held_against_the_inputs(copy, change):
    """Its own hash is right; what follows from the inputs is not what it says."""
    verification = forged(copy, change)
    assert verification.grade == "different"
    assert "facts" in {finding.kind for finding in verification.faults}
    assert {it.file for it in verification.faults} <= {RECEIPT, "ro-crate-metadata.json"}
    assert not any("{" in line for line in describe_verification(verification, "en"))


@pytest.mark.parametrize("change", [lambda row: row | {"value": 99.99}, lambda row: row])
def test_a_figure_that_a_receipt_lists_twice_is_a_fault(copy, change):
    """A false figure before the true one of the same name, and a true one listed twice."""

    def add_figure(facts):
        facts["figures"].insert(0, change(facts["figures"][0]))

    verification = forged(copy, add_figure)
    assert ("facts", "figures") in {(fault.kind, fault.figure) for fault in verification.faults}


def test_the_last_digits_of_another_processor_are_no_fault_and_are_said(copy):
    """One of ten digits: a verification of its own, with the figure; a larger step is a fault."""

    def step(by):
        def change(facts):
            facts["figures"][0]["value"] *= 1 + by

        return change

    verification = forged(copy, step(2e-10))
    assert (verification.grade, verification.faults) == ("rounded", [])
    assert [finding.kind for finding in verification.findings] == ["close"]
    assert forged(copy, step(1e-8)).grade == "different"


def test_a_public_archive_still_checks_each_division(copy, tmp_path):
    """Without a form, a percentage that is not its numerator over its denominator is found."""
    facts = json.loads((copy / "out" / RECEIPT).read_text("utf-8"))
    facts["figures"][0]["numerator"] += 1
    write_receipt(seal_receipt(facts), copy / "out")
    path = write_archive(copy / "out", tmp_path / "a.zip", public=True)
    verification = verify_run(open_archive(path, tmp_path / "open"))
    assert f"{facts['figures'][0]['id']}#value" in {
        finding.figure for finding in verification.faults
    }


def put(way, value):
    """Return what puts a value at a place of a receipt; None takes it away."""

    def change(facts):
        *first, last = way
        for step in first:
            facts = facts[step]
        if value is None:
            del facts[last]
        else:
            facts[last] = value

    return change


MALFORMED = [
    put(["wave"], None),
    put(["wave", "day"], "soon"),
    put(["inputs", 0, "sha256"], "x"),
    put(["inputs", 0, "bytes"], None),
    put(["inputs", 0, "file"], "a\0b"),
    put(["inputs"], []),
    put(["inputs", 0, "file"], ["a"]),
    put(["inputs", 0, "file"], "x" * 300),
    put(["program", "version"], None),
    put(["program", "sha256"], ["a"]),
    put(["program"], 3),
    put(["figures", 0, "value"], True),
    put(["figures", 0], []),
    put(["figures"], {}),
    put(["outputs", "../x"], "0" * 64),
    put(["outputs", "/etc/hostname"], "0" * 64),
    put(["outputs", "y" * 300], "0" * 64),
    put(["outputs"], ["a"]),
    put(["rows"], None),
    put(["wave", "title"], "\ud800"),
    put(["figures", 0, "value"], float("inf")),
]


@pytest.mark.parametrize("k", range(len(MALFORMED)))
def test_a_receipt_out_of_shape_is_refused_and_never_a_crash(made, tmp_path, k):
    """Before anything in it is used: in a folder, and in an archive."""
    facts = json.loads((made / "out" / RECEIPT).read_text("utf-8"))
    MALFORMED[k](facts)
    place = tmp_path / "open/outputs" / RECEIPT
    (tmp_path / "open/inputs").mkdir(parents=True)
    place.parent.mkdir()
    place.write_text(json.dumps(facts), "utf-8")
    with pytest.raises(ReceiptError):
        verify(place.parent, made / "inputs")
    with pytest.raises(ReceiptError), open_run(tmp_path / "open") as run:
        verify_run(run)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"format": 1e999}', '{"a": NaN}'])
def test_json_that_no_program_wrote_is_refused(copy, text):
    """Nested without end, numbers without end."""
    (copy / "out" / RECEIPT).write_text(text, "utf-8")
    with pytest.raises(ReceiptError):
        verify(copy / "out", copy / "inputs")


def test_a_second_key_of_one_name_is_found(copy):
    """A reader sees the first, a parser the last: the receipt is compared letter by letter."""
    path = copy / "out" / RECEIPT
    text = path.read_text("utf-8")
    path.write_text(
        text.replace('"figures": [', '"figures": [{"id": "overall"}],\n "figures": [', 1)
    )
    verification = verify(copy / "out", copy / "inputs")
    assert [(finding.kind, finding.file) for finding in verification.faults] == [
        ("receipt", RECEIPT)
    ]


STRANGERS = (
    "program/sitecustomize.py",
    "program/sipas_analysis/proof/verify.abi3.so",
    "README.txt",
    "program/sipas_analysis/__pycache__/cli.cpython-311.pyc",
    "outputs/units/so-a/report.vi.pdf",
    "inputs/copy-of-answers.csv",
    "program/notebooks/more.py",
)


def test_a_file_that_no_archive_holds_is_named(packed, tmp_path):
    """What lies beside a program is run with it; a copy of an input may bear a person's name."""
    path = Path(shutil.copy(packed, tmp_path))
    with zipfile.ZipFile(path, "a") as held:
        for name in STRANGERS:
            held.writestr(name, held.read("inputs/answers.csv") if "copy" in name else "x = 1")
    with open_run(path) as run:
        verification = verify_run(run)
    assert verification.grade == "different"
    found = {finding.file for finding in verification.faults if finding.kind == "stranger"}
    assert {*STRANGERS} == found


@pytest.mark.parametrize("change", ["moved", "deleted"])
def test_a_program_of_another_shape_is_named(packed, tmp_path, change):
    """A module moved to another folder, or no program where the README speaks of one."""
    run = open_archive(packed, tmp_path / "open")
    package = run.folder / "program/sipas_analysis"
    if change == "moved":
        (package / "proof/verification_page.py").rename(package / "verification_page.py")
    else:
        shutil.rmtree(run.folder / "program")
    assert verify_run(run).grade == "different"


def test_a_flipped_byte_of_an_archive_never_crashes(made, tmp_path):
    """30 random single bytes: refused, or unfolded to be compared."""
    path = write_archive(made / "out", tmp_path / "a.zip", made / "inputs", public=True)
    data, draw, refused = path.read_bytes(), random.Random(5), 0
    for k in range(30):
        spoilt = bytearray(data)
        spoilt[draw.randrange(len(data))] ^= 1 + draw.randrange(255)
        path.write_bytes(bytes(spoilt))
        try:
            open_archive(path, tmp_path / "open" / str(k))
        except ReceiptError:
            refused += 1
        shutil.rmtree(tmp_path / "open" / str(k), ignore_errors=True)
    assert refused > 10


@pytest.mark.slow
def test_inputs_in_a_folder_beside_the_wave_are_packed_and_found(copy, tmp_path):
    """Earlier waves and shared lists lie above; unfolded, none lies outside of inputs/."""
    (copy / "shared").mkdir()
    (copy / "inputs/units.csv").rename(copy / "shared/units.csv")
    path = copy / "inputs/wave.yaml"
    path.write_text(path.read_text("utf-8") + "units: ../shared/units.csv\n", "utf-8")
    survey = read_survey(read_wave(path))
    (copy / "out/receipt.private.json").unlink()
    write_receipt(seal_receipt(receipt_facts(survey) | {"outputs": {}}), copy / "out")
    packed = write_archive(copy / "out", tmp_path / "a.zip", copy / "inputs")
    names = [name for name in zipfile.ZipFile(packed).namelist() if name.startswith("inputs")]
    assert "inputs/shared/units.csv" in names
    assert "inputs/this-wave/wave.yaml" in names
    with open_run(packed) as run:
        verification = verify_run(run)
    assert verification.recomputed
    assert not kinds_of_faults(verification) & ABOUT_INPUTS


def test_an_archived_wave_reads_nothing_from_the_machine(packed, tmp_path):
    """A forged wave.yaml names a file elsewhere: it is not read."""
    run = open_archive(packed, tmp_path / "open")
    (tmp_path / "secret.csv").write_text(answers(), "utf-8")
    text = run.wave.read_text("utf-8")
    run.wave.write_text(text.replace("answers.csv", str(tmp_path / "secret.csv")), "utf-8")
    verification = verify_run(run)
    assert not verification.recomputed
    assert "unread" in {finding.kind for finding in verification.faults}


def test_two_inputs_of_the_same_content_are_two_in_the_crate(copy):
    """Named by content and by name."""
    (copy / "inputs/again.csv").write_bytes((copy / "inputs/answers.csv").read_bytes())
    facts = json.loads((copy / "out" / RECEIPT).read_text("utf-8"))
    facts["inputs"].append(facts["inputs"][-1] | {"file": "again.csv"})
    write_crate(facts, copy / "out")
    names = [it["name"] for it in crate_of(copy / "out")["object"]]
    assert names == [source["file"] for source in facts["inputs"]]


def bad_archive(path, *members):
    """Write a zip with members of any name."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as held:
        for name, data in members:
            held.writestr(name, data)
    return path


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "C:/evil", "..\\evil"])
def test_an_archive_that_leads_elsewhere_is_refused(tmp_path, name):
    """Nothing is written outside, nor inside."""
    path = bad_archive(tmp_path / "a.zip", (name, b"x"))
    (tmp_path / "open").mkdir()
    with pytest.raises(ReceiptError, match="evil"):
        open_archive(path, tmp_path / "open")
    assert [*(tmp_path / "open").iterdir()] == []
    assert not (tmp_path / "evil").exists()


def test_a_bomb_is_not_unfolded(tmp_path, monkeypatch):
    """The sizes that an archive announces are added up first."""
    monkeypatch.setattr("sipas_analysis.proof.archive.LARGEST", 1_000_000)
    path = bad_archive(tmp_path / "a.zip", ("outputs/a", bytes(2_000_000)))
    with pytest.raises(ReceiptError, match="4 GB"):
        open_archive(path, tmp_path / "open")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 cut", b"no zip at all"])
def test_what_is_no_archive_is_refused(tmp_path, data):
    """Truncated or something else: one sentence."""
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(ReceiptError):
        open_archive(tmp_path / "a.zip", tmp_path / "open")


def test_printed_numbers_are_read_back_from_every_format(made):
    """HTML, Word and Excel name their figures; other files none."""
    place = made / "out/units/so-a"
    counts = {it.suffix: len(read_printed(it)) for it in sorted(place.glob("report.*"))}
    assert counts.keys() == {".html", ".docx", ".xlsx"}
    assert min(counts.values()) > 30
    assert read_printed(made / "out/tables/figures.csv") == []


def test_the_reports_folder_may_lie_anywhere(made, tmp_path):
    """Paths are relative: the whole tree moved is the same run."""
    shutil.copytree(made, tmp_path / "elsewhere")
    assert verify(tmp_path / "elsewhere/out").grade == "same"
    assert str(made) not in (made / "out" / RECEIPT).read_text("utf-8")
    assert str(Path.home()) not in (made / "out" / RECEIPT).read_text("utf-8")


def test_a_letter_that_was_filled_in_is_kept_and_the_next_run_is_the_same(copy, capsys):
    """Verify says what to do; the run moves the file aside, for one unit or all, edited twice."""
    out, filled = copy / "out", copy / "out/edited/units/so-a"
    survey = read_survey(read_wave(copy / "inputs/wave.yaml"))
    places = [out / "units/so-a/letter.vi.docx", out / "tables/tables.vi.xlsx"]
    made = [path.read_bytes() for path in places]
    for number, units in ((1, ["so-a"]), (2, [])):
        for path in places:
            path.write_bytes(b"number %d, signed" % number)
        lines = [*describe_verification(verify(out, copy / "inputs"), "en")]
        assert lines[0].startswith("DIFFERENT")
        assert "units/so-a/letter.vi.docx" in lines[-1]
        request = RunRequest(out, formats=FORMATS.split(","), units=units)
        assert run_wave(survey, request) == {}
        assert f"letter.vi-{number}.docx" in capsys.readouterr().out
        assert [path.read_bytes() for path in places] == made
        assert (filled / f"letter.vi-{number}.docx").read_bytes() == b"number %d, signed" % number
        kept = out / f"edited/tables/tables.vi-{number}.xlsx"
        assert kept.read_bytes() == b"number %d, signed" % number
    assert verify(out, copy / "inputs").grade == "same"
    with zipfile.ZipFile(write_archive(out, copy / "a.zip", copy / "inputs")) as archive:
        assert not any("/edited/" in name for name in archive.namelist())
