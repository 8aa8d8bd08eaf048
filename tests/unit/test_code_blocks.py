"""Every code block of README, CONTRIBUTING and docs runs, or is read by what would read it.

Python runs page by page, as one would type it, in a folder with the files that the page names;
what stands behind ``>>>`` prints what the page prints. YAML is read as the wave or pack that it is
a part of, CSV by its reader, and each command line by the command line itself. What cannot run is
listed with its reason: a block of another kind, or one that is not listed, fails.
"""

import doctest
import inspect
import re
import shlex
import shutil
from functools import cache
from pathlib import Path
from typing import get_args

import pandas as pd
import pytest
import typer.main
import warm_process
import yaml
from code_blocks import BLOCKS, ROOT, Block, list_pages, pick_blocks
from conftest import FACTS, UNITS
from made_answers import FILE, make_answers, write_answers

import sipas_analysis as sipas
from sipas_analysis.cli import app
from sipas_analysis.collect.tables import read_rows
from sipas_analysis.collect.unit_changes import read_changes
from sipas_analysis.collect.wave import Wave
from sipas_analysis.instrument.pack import Instrument, read_instrument
from sipas_analysis.records.calendar_years import read_years

REFERENCE = ROOT / "tests" / "reference"

# What is not run, by page and first line, and why. A block that is gone may not stay here.
NOT_RUN = {
    ("docs/verify.md", "Receipt, a 64-character code: copy this"): "prints a hash of one run",
    ("docs/verify.md", "- input responses.csv is not the one that was"): "prints of a forged run",
    ("docs/verify.md", "Figure: overall@so-ldtbxh"): "compared with a trace in a test of its own",
}
# Languages that only readers of R run: here they are compared with R's output, line by line.
R_PAGE = "docs/r-survey.md"
RUNS = ("python", "yaml", "csv", "sh", "powershell", "r", "{eval-rst}", "{toctree}")


def _is_listed(block: Block) -> bool:
    return any(
        block.page == page and block.opening.startswith(opening) for page, opening in NOT_RUN
    )


def test_every_block_is_run_read_or_listed():
    """No page has a block of a kind that nobody checks; lists name what is there."""
    assert [block for block in BLOCKS if block.language not in RUNS and not _is_listed(block)] == []
    assert len([block for block in BLOCKS if _is_listed(block)]) == len(NOT_RUN)
    assert len(pick_blocks("python")) > 40
    assert len(pick_blocks("yaml")) > 25
    assert len(pick_blocks("sh", "powershell")) > 25


# ---------------------------------------------------------------- Python


@cache
def _read_once(path: Path) -> object:
    return READ_SURVEY(sipas.read_wave(path))


READ_SURVEY = sipas.read_survey


def write_school_samples(folder: Path) -> None:
    """Write the samples of schools and people that R `survey` has, as R writes them."""
    for name in ("apistrat", "apiclus1", "apiclus2", "nhanes"):
        sample = pd.read_csv(REFERENCE / "part2" / f"{name}.csv")
        if name == "apistrat":  # R's frame has these columns, too
            other = pd.read_csv(REFERENCE / "drivers" / "strat.csv")
            assert (sample["snum"] == other["snum"]).all()
            sample = sample.assign(ell=other["ell"], mobility=other["mobility"])
        sample.to_csv(folder / f"{name}.csv", index=False)


@pytest.fixture(scope="module")
def reading_room(tmp_path_factory):
    """Return a folder with the files that pages name: demo waves, answers, samples of R."""
    folder = tmp_path_factory.mktemp("pages")
    shutil.copytree(ROOT / "data", folder / "data")
    shutil.copy(FILE, folder / "answers.csv")
    write_school_samples(folder)
    return folder


def run_block(block: Block, names: dict[str, object]) -> None:
    """Run one block in the names of its page; what stands behind ``>>>`` must print as printed."""
    if ">>>" not in block.text:
        exec(compile(block.text, f"{block.page}:{block.line}", "exec"), names)
        return
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(verbose=False)
    test = parser.get_doctest(block.text, names, block.page, block.page, block.line)
    test.globs = names
    runner.run(test, clear_globs=False)
    assert runner.summarize(verbose=False).failed == 0, f"{block.page}:{block.line}"


QUICK_PAGES = ("docs/packs.md", "docs/ranking.md", "docs/sampling.md")
PAGES = [
    pytest.param(page, marks=[] if page in QUICK_PAGES else [pytest.mark.slow])
    for page in list_pages()
    if any(block.page == page for block in pick_blocks("python"))
]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.quick_cases(1)
def test_python_of_a_page_runs_as_printed(page, reading_room, tmp_path, monkeypatch):
    """Block after block, from the folder of the reader's data."""
    folder = tmp_path / "here"
    shutil.copytree(reading_room, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sipas, "read_survey", lambda wave: _read_once(ROOT / wave.path))
    names: dict[str, object] = {"__name__": "__main__"}
    for block in pick_blocks("python"):
        if block.page == page:
            run_block(block, names)


def test_a_wrong_block_fails():
    """The runner sees another number and a name that is not there."""
    right = Block("page.md", 1, "python", ">>> 1 + 1\n2\n")
    run_block(right, {})
    with pytest.raises(AssertionError, match=r"page\.md:1"):
        run_block(Block("page.md", 1, "python", ">>> 1 + 1\n3\n"), {})
    with pytest.raises(NameError):
        run_block(Block("page.md", 1, "python", "nobody()\n"), {})


def test_the_answers_of_the_tutorial_are_made_by_their_script(tmp_path):
    """docs/answers.csv is what tests/made_answers.py writes."""
    write_answers(tmp_path / "answers.csv")
    assert (tmp_path / "answers.csv").read_bytes() == FILE.read_bytes()
    assert len(make_answers()) == 240


# ---------------------------------------------------------------- R's numbers beside ours

MARK = re.compile(r"<!-- R (\S+); (.*?) -->\n")
CALL = re.compile(r"((?:<!-- R [^\n]*-->\n)+)\n```r\n(.*?)```\n(.*?)```python\n(.*?)```", re.DOTALL)


@cache
def _read_reference(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / name, dtype=str, keep_default_na=False)


def find_numbers(line: str) -> list[tuple[float, float]]:
    """Return each number of a line and half a unit of its last digit."""
    numbers = re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])", line)
    return [(float(text), 0.5 * 10 ** -len(text.partition(".")[2])) for text in numbers]


def find_figures_of_r(marks: str) -> list[list[float]]:
    """Return R's figures that the comments above a call name, a list for each comment."""
    figures = []
    for name, words in MARK.findall(marks):
        *conditions, columns = words.split("; ")
        rows = _read_reference(name)
        for condition in conditions:
            column, _, wanted = condition.partition("=")
            rows = rows[rows[column] == wanted]
        assert len(rows) > 0, words
        figures.append([float(rows.iloc[0][column]) for column in columns.split()])
    return figures


def test_the_numbers_beside_r_are_those_of_r_and_ours():
    """Each `#>` line holds R's figures as rounded, and our block prints the same digits."""
    calls = CALL.findall((ROOT / R_PAGE).read_text("utf-8"))
    assert len(calls) >= 20
    for marks, theirs, _, ours in calls:
        printed = [find_numbers(line) for line in theirs.splitlines() if line.startswith("#>")]
        figures = find_figures_of_r(marks)
        assert [len(line) for line in printed] == [len(line) for line in figures], theirs
        our_numbers = [value for line in ours.splitlines() for value, _ in find_numbers(line)]
        for line, wanted in zip(printed, figures, strict=True):
            for (value, half), figure in zip(line, wanted, strict=True):
                assert abs(value - figure) <= half * 1.000001, (theirs, value, figure)
                assert min(abs(number - value) for number in our_numbers) < 1e-9, (ours, value)


def test_every_call_of_the_cookbook_shows_numbers_of_r():
    """A block of R without our block below it, or without R's figures, is one that sets up."""
    blocks = [block for block in pick_blocks("r") if block.page == R_PAGE]
    assert {block.page for block in pick_blocks("r")} == {R_PAGE}
    without = [block.opening for block in blocks if "#>" not in block.text]
    assert without == ["data(api)", next(b.opening for b in blocks if "svydesign" in b.text)]


# ---------------------------------------------------------------- YAML


def read_as_wave(text: str, folder: Path) -> None:
    """Read a part of ``wave.yaml`` in a wave that has the other keys."""
    usual = {**FACTS, "instrument": "qd-2640-2017"}
    rest = {key: usual[key] for key in usual if key not in yaml.safe_load(text)}
    (folder / "units.csv").write_text(UNITS, "utf-8")
    path = folder / "wave.yaml"
    path.write_text((yaml.safe_dump(rest, allow_unicode=True) if rest else "") + text, "utf-8")
    assert sipas.read_wave(path).year == 2024, text


def read_as_pack(text: str, folder: Path) -> None:
    """Read a part of a pack in one that has the other keys."""
    usual = {
        "id": "p",
        "title": {"vi": "P"},
        "source": "",
        "status": "unverified",
        "factors": {"desk": {"vi": "Quầy"}},
        "items": {"A1": {"factor": "desk", "vi": "A"}},
    }
    rest = {key: usual[key] for key in usual if key not in yaml.safe_load(text)}
    path = folder / "pack.yaml"
    path.write_text(yaml.safe_dump(rest, allow_unicode=True) + text, "utf-8")
    read_instrument(path)


def read_as_calendar(text: str, folder: Path) -> None:
    """Read a calendar of an office."""
    path = folder / "calendar.yaml"
    path.write_text(text, "utf-8")
    (year,) = read_years([yaml.safe_load(text)["year"]], [path])
    assert year.year == yaml.safe_load(text)["year"]


def read_as_measures(text: str, folder: Path) -> None:
    """Read measures of a province."""
    from sipas_analysis.improve.actions import read_library

    (folder / "measures.yaml").write_text(text, "utf-8")
    read_as_wave("measures: measures.yaml\n", folder)
    library = read_library(sipas.read_wave(folder / "wave.yaml"))
    assert {*yaml.safe_load(text)["measures"]} <= {*library.measures}


def choose_reader(block: Block) -> object:
    """Return what reads a block of YAML: by its keys, a wave, a pack, a calendar or measures."""
    content = yaml.safe_load(block.text)
    keys = {*content} if isinstance(content, dict) else {"responses"}
    if block.page == "docs/packs.md" or not keys <= {*Wave.model_fields}:
        if keys == {"measures"}:
            return read_as_measures
        if "year" in keys:
            return read_as_calendar
        assert keys <= {*Instrument.model_fields}, block
        return read_as_pack
    return read_as_wave


@pytest.mark.parametrize("block", pick_blocks("yaml"), ids=lambda b: f"{b.page}:{b.line}")
@pytest.mark.quick_cases(3)
def test_yaml_is_read(block, tmp_path):
    """Two lines of one key are two examples; entries of `responses` stand in a list."""
    text = f"responses:\n{block.text}" if block.text.startswith("-") else block.text
    examples = text.splitlines() if text.startswith("duplicates") else [text]
    if isinstance(yaml.safe_load(text).get("measures"), dict):
        read_as_measures(text, tmp_path)
        return
    for example in examples:
        choose_reader(block)(example, tmp_path)


# ---------------------------------------------------------------- CSV


@pytest.mark.parametrize("block", pick_blocks("csv"), ids=lambda b: f"{b.page}:{b.line}")
def test_csv_is_read(block, tmp_path):
    """By the reader of changes of units where it is one, else as a table without gaps."""
    path = tmp_path / "table.csv"
    path.write_text(block.text, "utf-8")
    rows = read_changes(path) if block.opening.startswith("date,from,to") else read_rows(path)
    assert len(rows) == len(block.text.split()) - 1 or len(rows) == block.text.count("\n") - 1
    assert {line.count(",") for line in block.text.splitlines()} == {block.opening.count(",")}


# ---------------------------------------------------------------- commands

# Lines of other programs: what the project cannot run, each with its reason.
OTHER_PROGRAMS = {
    r"py -3\.11 -m venv": "makes an environment",
    r"python -m venv": "makes an environment",
    r"(\.venv\\Scripts\\)?(python -m )?pip install": "asks a package index",
    r"\.venv\\Scripts\\python -m (pip|pytest)": "asks a package index, or runs these tests",
    r"\.venv\\Scripts\\Activate\.ps1$": "is of PowerShell",
    r"source \.venv/bin/activate$": "is of the shell",
    r"cd ": "is of the shell",
    r"dask scheduler": "needs other machines",
}


def _list_commands() -> list[tuple[Block, str]]:
    return [
        (block, re.split(r"\s#", line)[0].strip())
        for block in pick_blocks("sh", "powershell")
        for line in block.text.splitlines()
        if line.strip() and not line.startswith("#")
    ]


def check_command(line: str) -> None:
    """Let the command line read its own line: the verb, the options and their kinds exist."""
    words = shlex.split(line.replace("\\", "/"))
    commands = typer.main.get_command(app).commands
    assert words[1] in commands, line
    commands[words[1]].make_context(words[1], words[2:])


@pytest.mark.slow
def test_every_command_line_is_one_that_exists():
    """`sipas` reads its own lines, make its targets, Python its scripts; the rest has a reason."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    used = set()
    for block, line in _list_commands():
        command = line.removeprefix(".venv\\Scripts\\")
        if command.startswith("sipas "):
            check_command(command)
        elif command.startswith("make "):
            assert f"\n{command.split()[1]}:" in makefile, line
        elif re.match(r"python [\w/]+\.py", command):
            assert (ROOT / command.split()[1]).exists(), line
        else:
            reasons = [pattern for pattern in OTHER_PROGRAMS if re.match(pattern, line)]
            assert reasons, f"{block.page}:{block.line}: {line}"
            used.update(reasons)
    assert used <= {*OTHER_PROGRAMS}


def test_a_wrong_command_fails():
    """A verb, an option and a number that do not exist."""
    for line in (
        "sipas chekc wave.yaml",
        "sipas check wave.yaml --outt x",
        "sipas demo x --units y",
    ):
        with pytest.raises(Exception, match=r"No such option|valid integer|chekc"):
            check_command(line)


@pytest.mark.slow
def test_a_trace_prints_what_its_page_shows(capsys, monkeypatch):
    """docs/verify.md, without what only an output folder has: program and receipt."""
    shown = next(b.text for b in BLOCKS if b.opening.startswith("Figure: overall@so-ldtbxh"))
    monkeypatch.chdir(ROOT)
    words = ["trace", "94.59", "data/an-giang-2021/wave.yaml", "--unit", "so-ldtbxh"]
    app([*words, "--lang", "en"], standalone_mode=False)
    printed = "".join(capsys.readouterr().out.split())
    lines = [line for line in shown.splitlines() if not line.startswith(("Program", "Receipt"))]
    assert [line for line in lines if "".join(line.split()) not in printed] == []
    assert len(lines) > 8


def write_forms_of_offices(folder: Path) -> None:
    """Write the Excel files of two departments, as an officer gets them."""
    answers = pd.read_csv(ROOT / "data" / "an-giang-2021" / "responses.csv", dtype=str)
    units = pd.read_csv(ROOT / "data" / "an-giang-2021" / "units.csv", dtype=str)
    names = units.set_index("code")["name_vi"]
    folder.mkdir()
    for code in ("so-nv", "so-yt"):
        forms = answers[answers["don_vi"] == code].head(60).drop(columns="ma_ho_so")
        forms.assign(don_vi=names[code]).to_excel(folder / f"{code}.xlsx", index=False)


@pytest.mark.slow
def test_the_commands_of_start_lead_from_excel_files_to_letters(tmp_path):
    """Each `sipas` line of docs/start.md, in order, as typed; between them the year's id is set."""
    write_forms_of_offices(tmp_path / "forms")
    lines = [
        line
        for block, line in _list_commands()
        if block.page == "docs/start.md" and line.startswith("sipas ")
    ]
    for line in lines:
        words = [*shlex.split(line)[1:], "--lang", "en"]
        if " run " in line or " verify " in line:  # there --lang says in which language to report
            words = words[:-2]
        code, said = warm_process.run_to_end(*words, folder=tmp_path)
        assert code == 0, (line, said[-4000:])
        if " init " in line:  # "Fill in": what a person writes by hand
            draft = (tmp_path / "wave.yaml").read_text("utf-8")
            draft = re.sub(r"(?m)^id: .*", "id: an-giang-2024", draft)
            (tmp_path / "wave.yaml").write_text(draft.replace("- en\n", "- vi\n- en\n"), "utf-8")
    assert len(lines) == 8
    made = {path.name for path in (tmp_path / "outputs" / "an-giang-2024").rglob("*")}
    assert {"index.html", "report.vi.docx", "letter.vi.docx", "receipt.json"} <= made
    assert (tmp_path / "plan.xlsx").exists()


# ---------------------------------------------------------------- the table of features

RUN_PAGES = ("docs/start.md",)  # whose commands are run, not only read


def list_features() -> dict[str, str]:
    """Return our cell of each row of docs/features.md, by what the row is about."""
    page = (ROOT / "docs/features.md").read_text("utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    return {row[0]: row[1] for row in rows[1:] if not row[0].startswith("**")}


def make_slug(heading: str) -> str:
    """Return the anchor of a heading, as GitHub and the site make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def has_example(link: str) -> bool:
    """Say whether the section that a link leads to has a block that runs."""
    path, _, anchor = link.partition("#")
    page = f"docs/{path}" if path else "docs/features.md"
    heading = ""
    sections: dict[str, str] = {}
    for line in (ROOT / page).read_text("utf-8").splitlines():
        heading = make_slug(line.lstrip("#")) if re.match("#+ ", line) else heading
        sections[heading] = sections.get(heading, "") + line + "\n"
    kinds = ["```python"] + ["```sh"] * (page in RUN_PAGES)
    return any(kind in sections.get(anchor, "") for kind in kinds)


@pytest.mark.parametrize("feature", list_features())
def test_each_feature_of_ours_has_an_example_that_runs(feature):
    """A name whose documentation has an example, or a section with a block; or an honest no."""
    cell = list_features()[feature]
    names = re.findall(r"`sipas\.([\w.]+)`", cell)
    links = re.findall(r"\]\(([^)]+)\)", cell)
    assert names or links or cell == "no"
    for name in names:
        value = sipas
        for part in name.split("."):
            value = getattr(value, part)
        assert ">>>" in (value.__doc__ or ""), name
    assert [link for link in links if not has_example(link)] == []


def test_the_reference_has_every_public_name_and_what_it_returns():
    """Functions, classes of results and pictures; the build fails where one is not there."""
    pages = "".join(path.read_text("utf-8") for path in (ROOT / "docs/reference").glob("*.md"))
    written = re.findall(r"\.\. auto(?:function|class):: sipas_analysis\.(\S+)", pages)
    assert len(written) == len(set(written))
    returned = set()
    for name in set(sipas.__all__) - {"plot"}:
        assert name in written, name
        result = inspect.signature(getattr(sipas, name)).return_annotation
        for kind in get_args(result) or [result]:
            if getattr(kind, "__module__", "").startswith("sipas_analysis"):
                returned.add(f"{kind.__module__}.{kind.__name__}".removeprefix("sipas_analysis."))
    assert {name for name in returned if name not in written} <= {"infer.design.Design"}
    assert {f"plot.{name}" for name in sipas.plot.__all__} <= set(written)
