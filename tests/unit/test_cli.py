"""The command line: thin verbs, one paragraph per mistake, an exit code that says its kind."""

import csv
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

import pytest
import typer

from sipas_analysis import __version__, cli, errors
from sipas_analysis.collect import file_cells
from sipas_analysis.collect.survey import read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.command_steps import finish_run
from sipas_analysis.errors import NotebookError
from sipas_analysis.measure.scores import score
from sipas_analysis.proof import archive, program, receipt
from sipas_analysis.reports.report import report
from sipas_analysis.runs import annual_run, worker
from sipas_analysis.runs import notebook as running

GOOD = "unit,A1,A2,D1,OVERALL\n" + "".join(
    f"so-{unit},{answers}\n"
    for unit in "ab"
    for k in range(30)
    for answers in [("5,4,3,5", "2,4,5,3", "4,1,4,4")[k % 3]]
)
VERBS = [
    "init",
    "demo",
    "check",
    "score",
    "drivers",
    "report",
    "run",
    "compare",
    "verify",
    "trace",
    "archive",
    "plan",
    "verdict",
    "lab",
]


@pytest.fixture
def sipas(monkeypatch, capsys, tmp_path):
    """Run the command line in a folder of its own; return exit code, stdout and stderr."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words, lang="en"):
        asked = [str(word) for word in words] + (["--lang", lang] if lang else [])
        monkeypatch.setattr(sys, "argv", ["sipas", *asked])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        out, err = capsys.readouterr()
        return caught.value.code or 0, out, err

    return run


@lru_cache(maxsize=1)
def survey_of(wave, _answers):
    """Read a wave once for all reports of a run: ``_answers`` are the bytes of its file."""
    return read_survey(read_wave(wave))


@pytest.fixture
def notebooks(monkeypatch):
    """Let the notebooks' library calls run here, without a kernel; return what was asked."""
    asked = []

    def run(name, parameters, folder=None, engine="", **_):
        running.check_parameters(program.notebooks_folder() / f"{name}.ipynb", parameters)
        asked.append((name, dict(parameters)))
        wave = Path(parameters["wave"])
        survey = survey_of(wave, wave.with_name("answers.csv").read_bytes())
        made = report(survey, parameters["language"], parameters.get("unit", ""))
        chapters = [made.chapter(chapter) for chapter in ("leaders", *[*made.annexes][:1])]
        made.write(chapters, parameters["out"], parameters["formats"])

    monkeypatch.setattr(running, "run_notebook", run)
    monkeypatch.setattr(worker, "run_notebook", run)
    return asked


# ── help and language


def test_help_names_every_verb_and_loads_nothing_heavy():
    """``sipas --help`` answers at once: no pandas, no papermill, no matplotlib."""
    code = (
        "import sys; sys.argv = ['sipas', '--help']\n"
        "from sipas_analysis.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'pandas', 'papermill', 'matplotlib', 'numpy', 'scipy', 'rich.console'}\n"
        "print('heavy:', *sorted(heavy & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    env = os.environ | {"LC_ALL": "C.UTF-8"}
    shown = subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout
    assert shown.splitlines()[-1].strip() == "heavy:"
    assert [verb for verb in VERBS if f"\n  {verb} " not in shown] == []


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_in_both_languages(sipas, verb):
    """No message id is left in any help."""
    for lang, word in (("en", "Language"), ("vi", "Ngôn ngữ")):
        code, out, _ = sipas(verb, "--help", lang=lang)
        assert code == 0
        assert word in out
        assert "cli." not in out


def test_the_language_is_the_one_asked_else_the_systems(sipas, monkeypatch):
    """``--lang`` before or after the verb; LC_ALL otherwise; English where nothing is known."""
    wrong = "missing.yaml"
    assert "must exist" in sipas("check", wrong)[2]
    assert "phải có" in sipas("check", wrong, lang="vi")[2]
    assert "phải có" in sipas("--lang=vi", "check", wrong, lang="")[2]
    monkeypatch.setenv("LC_ALL", "vi_VN.UTF-8")
    assert "phải có" in sipas("check", wrong, lang="")[2]
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert "must exist" in sipas("check", wrong, lang="")[2]


@pytest.mark.parametrize(("reports", "word"), [("vi", "Đã ghi"), ("vi en", "Wrote")])
def test_a_run_in_vietnamese_only_is_packed_in_vietnamese(sipas, monkeypatch, reports, word):
    """Without ``--lang`` on an English system: the receipt names the reports."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.setenv(name, "en_US.UTF-8")
    outputs = {f"province/report.{language}.docx": "" for language in reports.split()}
    monkeypatch.setattr(receipt, "read_receipt", lambda _: {"outputs": outputs})
    monkeypatch.setattr(archive, "write_archive", lambda *_, **__: None)
    assert sipas("archive", "outputs/x", lang="")[1].startswith(word)


def test_a_refused_wave_in_vietnamese_only_is_told_in_vietnamese(sipas, make_wave, monkeypatch):
    """The languages are read even where the file has a wrong key."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.setenv(name, "en_US.UTF-8")
    for languages, word in ((["vi"], "không có khóa"), (["en", "vi"], "is not known here")):
        wave = make_wave(GOOD, languages=languages, colour="red")
        assert word in sipas("check", wave, lang="")[2]


@pytest.mark.slow
def test_a_wave_in_vietnamese_only_is_told_in_vietnamese(sipas, make_wave, monkeypatch):
    """Without ``--lang`` on an English system; also where answers are refused, once it is read."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.setenv(name, "en_US.UTF-8")
    wave = make_wave(GOOD, languages=["vi"])
    assert "đọc 60 phiếu" in sipas("check", wave, lang="")[1]
    assert "đọc 60" not in sipas("check", wave)[1]
    both = make_wave(GOOD, languages=["vi", "en"])
    assert "đọc 60" not in sipas("check", both, lang="")[1]
    wrong = make_wave(GOOD.replace("so-a,", "so-a,9", 1), languages=["vi"])
    assert "phải" in sipas("check", wrong, lang="")[2]
    assert "Usage" in sipas("check", "--help", lang="")[1]


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(
    ("words", "vi", "en"),
    [
        (["score"], "Thiếu WAVE.\nCách dùng: sipas score --help\n", "WAVE is missing."),
        (["chek"], "Không có lệnh “chek”.\nCách dùng: sipas --help\n", "no command “chek”"),
        (["check", "x", "--yes"], "không có tùy chọn --yes", "has no option --yes"),
        (["check", "x", "y"], "Thừa chữ: y.", "Too many words: y."),
        (["demo", "x", "--units", "0"], "Giá trị của --units", "The value of --units"),
        (["demo", "x", "--units", "a"], "Giá trị của --units", "The value of --units"),
    ],
)
def test_a_command_that_is_not_called_right_says_so_in_the_language(sipas, words, vi, en):
    """The command line's library has English only."""
    for lang, said in (("vi", vi), ("en", en)):
        code, _, err = sipas(*words, lang=lang)
        assert code == 2
        assert said in err
    cut = ["--lang", "vi", "demo", "x", "--units"]
    assert "cần một giá trị" in sipas(*cut, lang="")[2]


def test_the_version_is_that_of_the_package(sipas):
    """One home for it."""
    assert sipas("--version", lang="")[:2] == (0, f"sipas_analysis {__version__}\n")


# ── verbs


@pytest.mark.parametrize(
    ("formats", "words"),
    [
        (["html"], 'sipas run "my wave.yaml" --formats html,docx,pdf,xlsx'),
        (["html", "docx"], 'sipas plan "my wave.yaml"'),
    ],
)
def test_a_run_ends_with_the_line_to_type_next(demo_2021, capsys, tmp_path, formats, words):
    """Without Word there is no letter: the line that makes it; else where it is, and the plan."""
    finish_run(tmp_path, demo_2021, Path("my wave.yaml"), formats, {})
    said = capsys.readouterr().out
    assert words in said
    assert (str(tmp_path / "units") in said) == ("docx" in formats)
    with pytest.raises(typer.Exit):
        finish_run(tmp_path, demo_2021, Path("w.yaml"), formats, {"so-a": "full"})
    assert "so-a: full" in capsys.readouterr().err


@pytest.mark.slow
def test_demo_writes_exactly_one_wave(sipas, tmp_path):
    """wave.yaml, units.csv, responses.csv, records: 160 forms a unit; the next step is said."""
    folder = tmp_path / "demo"
    code, out, _ = sipas("demo", folder, "--units", "5")
    assert code == 0
    files = {"wave.yaml", "units.csv", "responses.csv", "records"}
    assert {path.name for path in folder.iterdir()} == files
    rows = list(csv.DictReader((folder / "responses.csv").read_text("utf-8").splitlines()))
    counts = [sum(row["don_vi"] == unit for row in rows) for unit in {it["don_vi"] for it in rows}]
    assert counts == [160] * 5
    assert f"Next: sipas run {folder / 'wave.yaml'}" in out
    code, out, _ = sipas("check", folder)
    assert code == 0
    assert "800 forms read, 800 valid, 5 units" in out
    assert "Synthetic data" in out


@pytest.mark.slow
def test_check_says_what_was_changed_and_writes_it_if_asked(sipas, make_wave, tmp_path):
    """Kinds of changes by file; by column with ``--out``, never the answers themselves (P3)."""
    path = make_wave(GOOD.replace("5,4,3,5", "5 ,9,3,5"))
    code, out, _ = sipas("check", path)
    assert code == 0
    assert "Code for “no answer” read as blank" in out
    assert not (tmp_path / "out").exists()
    sipas("check", path, "--out", tmp_path / "out")
    ledger = (tmp_path / "out" / "check" / "ledger.csv").read_text("utf-8-sig")
    assert "answers.csv,A1,spelling,20,2" in ledger.splitlines()
    assert "5 " not in ledger
    assert (tmp_path / "out" / "check" / "quality.csv").is_file()


def test_check_of_a_clean_wave_says_that_nothing_was_changed(sipas, make_wave):
    """And what to do next."""
    _, out, _ = sipas("check", make_wave(GOOD))
    assert "Nothing was changed or dropped." in out
    assert "fewer than four units" in out
    assert re.search(r"Next: sipas run \S+ --formats html,docx,pdf,xlsx", out)


def test_score_prints_the_order_and_writes_tables(sipas, make_wave, tmp_path):
    """In the folder asked, else in outputs/<wave id>."""
    path = make_wave(GOOD)
    code, out, _ = sipas("score", path, "--out", tmp_path / "out")
    assert code == 0
    assert "Overall index by unit: Departments" in out
    assert "Department A" in out
    tables = {one.name for one in (tmp_path / "out" / "tables").iterdir()}
    assert tables == {"scores.csv", "ranking.csv"}  # figures.csv: of a report only
    sipas("score", path)
    assert (Path.cwd() / "outputs/small-2024/tables/scores.csv").read_bytes() == (
        tmp_path / "out/tables/scores.csv"
    ).read_bytes()


@pytest.mark.slow
def test_score_prints_the_order_as_the_report_does(sipas, make_wave, monkeypatch):
    """Groups by name, heads and numbers in Vietnamese; a narrow window wraps, and cuts nothing."""
    monkeypatch.setenv("COLUMNS", "80")
    draw = random.Random(1)
    forms = [[draw.randint(1, 5) for _ in range(4)] for _ in range(80)]
    lines = [f"so-{'ab'[k % 2]},{','.join(map(str, form))}\n" for k, form in enumerate(forms)]
    share = 100 * sum(level >= 4 for form in forms[::2] for level in form[:3]) / 120
    printed = f"{share:.2f}".replace(".", ",")
    name = "Sở Lao động - Thương binh và Xã hội của tỉnh An Giang"
    units = f"code,name_vi,group\nso-a,Sở A,departments\nso-b,{name},vertical-agencies\n"
    answers = GOOD.partition("\n")[0] + "\n" + "".join(lines)
    _, out, _ = sipas("score", make_wave(answers, units=units), lang="vi")
    assert "Chỉ số chung theo đơn vị: Sở, ban, ngành" in out
    assert "Chỉ số chung theo đơn vị: Cơ quan ngành dọc" in out
    row = rf"│ A +│ +1 │ +1 │ Sở A +│ +{printed} │ +\d\d,\d–\d\d,\d │ +40 │"
    assert re.search(row, out)
    assert "departments" not in out
    assert "vertical" not in out
    assert "…" not in out
    assert " ".join(re.findall(r"[^\W\d_]+", out)).count("Thương") == 1


@pytest.mark.parametrize("broken", ["units", "wave"])
def test_check_says_why_there_are_no_slips(sipas, make_wave, tmp_path, broken):
    """A unit without a group, a wrong key: neither slips nor overview, and the reason."""
    units = "code,name_vi,group\nso-a,Sở A,\nso-b,Sở B,departments\n"
    facts = {"units": units} if broken == "units" else {"no_such_key": "1"}
    path = make_wave(GOOD, **facts)
    code, out, err = sipas("check", path, "--out", tmp_path / "out", lang="vi")
    assert code in (14, 15)
    assert "Chưa lập phiếu trả lại" in out
    assert "danh sách đơn vị" in out
    assert err
    assert not list((tmp_path / "out").glob("overview*"))


def test_check_counts_forms_rows_columns_and_cells_by_their_name(sipas, make_wave, monkeypatch):
    """One column of the ledger held three kinds of numbers; long reasons are wrapped, not cut."""
    monkeypatch.setenv("COLUMNS", "60")
    lines = GOOD.replace("5,4,3,5", "5,9,3,5").splitlines()
    lines = [f"{lines[0]},Số điện thoại", *(f"{line},1" for line in lines[1:])]
    lines[2] = "so-a,,,,,1"
    path = make_wave("\n".join([*lines, "Tổng cộng,,,,,"]))
    name = "bao-cao-khao-sat-hai-long-cua-nguoi-dan-nam-2024.csv"
    (path.parent / "answers.csv").rename(path.parent / name)
    path.write_text(path.read_text("utf-8").replace("answers.csv", name), "utf-8")
    code, out, _ = sipas("check", path, lang="vi")
    assert code == 0
    for amount in ("20 ô ở 1 cột", "1 cột", "1 phiếu", "1 dòng"):
        assert re.search(rf"│ {amount} +│", out), amount
    assert "…" not in out
    cells = [line.split("│")[1].strip() for line in out.splitlines() if line.startswith("│")]
    assert "Dòng dưới phiếu cuối: tổng, trung bình, ghi chú hoặc chữ ký" in " ".join(cells)
    assert f"\n{name}: " in out


@pytest.mark.slow
def test_files_do_not_depend_on_the_language_of_the_command(sipas, make_wave, tmp_path):
    """Two officers, one file."""
    path = make_wave(GOOD)
    for lang in ("vi", "en"):
        sipas("score", path, "--out", tmp_path / lang, lang=lang)
    one, other = (
        [it.read_bytes() for it in sorted((tmp_path / lang / "tables").iterdir())]
        for lang in ("vi", "en")
    )
    assert one == other


@pytest.mark.slow
def test_drivers_prints_association_or_the_reason(sipas, make_wave, tmp_path):
    """With the file; without the question on the whole the reason for each model."""
    _, out, _ = sipas("drivers", make_wave(GOOD), "--out", tmp_path / "out")
    assert "associations, not causes" in out
    assert (tmp_path / "out/tables/drivers.csv").is_file()
    code, out, _ = sipas("drivers", make_wave("unit,A1,A2,D1\n" + "so-a,5,4,3\n" * 40))
    assert code == 0
    assert "The forms have no answer on satisfaction as a whole" in out


def rated(n=240, seed=3):
    """Answers in which access moves the whole and results do not, in two units."""
    draw = random.Random(seed)
    lines = []
    for k in range(n):
        access, results = draw.randint(1, 5), draw.randint(1, 5)
        whole = min(5, max(1, round(0.8 * access + draw.gauss(0.6, 0.6))))
        lines.append(f"so-{'ab'[k % 2]},{access},{access},{results},{whole}\n")
    return "unit,A1,A2,D1,OVERALL\n" + "".join(lines)


@pytest.mark.slow
def test_drivers_tell_models_shares_and_what_to_look_at_first(sipas, make_wave, tmp_path):
    """Each model asked for, what explains most, and the tables beside drivers.csv."""
    code, out, _ = sipas(
        "drivers", make_wave(rated()), "--out", tmp_path / "out", "--model", "logit"
    )
    assert code == 0
    assert "Logit of being satisfied" in out
    assert "Linear" not in out
    _, out, _ = sipas("drivers", make_wave(rated()), "--out", tmp_path / "out", lang="vi")
    for said in ("Tuyến tính", "Logit thứ bậc", "Phần trong tổng giải"):
        assert said in out
    made = {path.stem for path in (tmp_path / "out/tables").iterdir()}
    assert made == {"drivers", "importance", "priority", "what_if"}


@pytest.mark.slow
def test_drivers_by_unit_and_with_controls(sipas, make_wave, tmp_path):
    """A model for each unit, or its reason in the same table; a control is no driver."""
    head, *lines = rated().splitlines(keepends=True)
    few = [line for line in lines if line.startswith("so-b")][:12]
    wave = make_wave("".join([head, *(it for it in lines if it.startswith("so-a")), *few]))
    code, out, _ = sipas("drivers", wave, "--by", "unit", "--out", tmp_path / "out")
    assert code == 0
    assert "No model" in out
    with (tmp_path / "out/tables/drivers-by-unit.csv").open(encoding="utf-8-sig") as handle:
        rows = list(csv.DictReader(handle))
    assert {row["unit"]: row["reason"] for row in rows} == {"so-a": "", "so-b": "few_forms"}
    _, out, _ = sipas("drivers", make_wave(rated()), "--controls", "unit", "--out", tmp_path / "x")
    assert "so-b" not in out
    assert (tmp_path / "x/tables/drivers.csv").is_file()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--model", "lineal"], 22, "one of these (linear, logit, ordinal"),
        (["--controls", "sexx"], 13, "“sexx” is none"),
        (["--by", "nowhere"], 13, "“nowhere” is none"),
        (["--missing", "guess"], 22, "one of these (complete, impute)"),
    ],
)
@pytest.mark.quick_cases(2)
def test_a_misspelt_wish_about_drivers_is_one_paragraph(
    sipas, make_wave, tmp_path, words, code, said
):
    """With what there is, its own exit code, and nothing written."""
    found, _, err = sipas("drivers", make_wave(rated()), *words, "--out", tmp_path / "out")
    assert found == code
    assert said in err
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


def test_init_drafts_and_says_what_is_left_to_do(sipas, tmp_path):
    """Where the draft is, what was recognised, what is still to place, the next command."""
    from sipas_analysis.instrument.pack import read_instrument

    codes = [*read_instrument("qd-2640-2017").items]
    path = tmp_path / "2024.csv"
    path.write_text(f"Đơn vị,Lạ,{','.join(codes)}\nTrung tâm X,1,{'4,' * 21}4\n", "utf-8")
    code, out, _ = sipas("init", path)
    assert code == 0
    assert (tmp_path / "wave.yaml").is_file()
    assert "Recognised qd-2640-2017 with 1 unit(s)" in out
    assert "Still to place in wave.yaml: Lạ" in out
    assert "Still without a group in units.csv" in out
    assert "Trung tâm X" in out
    assert "Next: sipas check" in out
    assert sipas("init", path)[0] == errors.OutputError.exit_code


@pytest.mark.slow  # runs every report
def test_report_makes_the_province_or_one_unit(sipas, make_wave, notebooks, tmp_path):
    """The notebook gets absolute paths and all its parameters; the first page is named."""
    path, out = make_wave(GOOD), tmp_path / "out"
    code, said, _ = sipas("report", path, "--out", out, lang="vi,en")
    assert code == 0
    assert str(out / "province" / "report.vi.html") in said
    assert notebooks == [
        (
            "province_report",
            {"wave": str(path), "language": "vi,en", "out": str(out), "formats": "html"},
        )
    ]
    _, said, _ = sipas("report", path, "--unit", "so-a", "--out", out)
    assert str(out / "units" / "so-a" / "report.en.html") in said
    assert notebooks[1][1]["unit"] == "so-a"


@pytest.mark.slow  # runs every report
def test_run_makes_every_report_and_names_units_without_forms(
    sipas, make_wave, notebooks, tmp_path
):
    """Province and each unit with a form; a silent unit is said, not failed."""
    only_a = "".join(line + "\n" for line in GOOD.splitlines() if "so-b" not in line)
    asked = ["--engine", "kernel", "--jobs", "1", "--out", tmp_path / "out"]
    code, out, _ = sipas("run", make_wave(only_a), *asked)
    assert code == 0
    assert [parameters.get("unit") for _, parameters in notebooks] == [None, "so-a"]
    assert "Sở B: no valid form, no report." in out
    assert (tmp_path / "out/index.html").is_file()
    _, out, _ = sipas("run", make_wave(only_a), *asked)
    assert "Reports: 2; up to date: 2; to make: 0." in out
    assert len(notebooks) == 2


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--formats", "odt"], 17, "one of html, docx, pdf, xlsx; “odt” is none"),
        (["--units", "so-z"], 14, "“so-z” is no unit"),
        (["--engine", "steam"], 17, "one of fork, kernel"),
    ],
)
def test_a_run_that_cannot_be_is_refused(sipas, make_wave, notebooks, tmp_path, words, code, said):
    """One paragraph, its own exit code, no report."""
    found, _, err = sipas("run", make_wave(GOOD), *words, "--out", tmp_path / "out")
    assert found == code
    assert said in err
    assert notebooks == []


@pytest.mark.slow
def test_two_runs_on_one_folder_do_not_meet(sipas, make_wave, notebooks, tmp_path):
    """The second refuses; leftovers of a crashed one are cleared by the next."""
    out = tmp_path / "out"
    asked = [make_wave(GOOD), "--engine", "kernel", "--out", out]
    with annual_run.lock_folder(out):
        code, _, err = sipas("run", *asked)
    assert code == errors.OutputError.exit_code
    assert "another holds it" in err
    (out / "units").mkdir()
    (out / "units/.aside-x").write_text("half", "utf-8")
    assert sipas("run", *asked)[0] == 0
    assert not (out / "units/.aside-x").exists()


@pytest.mark.slow
def test_what_was_changed_or_is_missing_is_made_again_and_nothing_else(
    sipas, make_wave, notebooks, tmp_path
):
    """A byte of a report, a missing page, other answers: exactly these are made anew."""
    path, out = make_wave(GOOD), tmp_path / "out"
    asked = ["--engine", "kernel", "--jobs", "1", "--out", out]
    sipas("run", path, *asked)
    page = out / "units/so-a/report.en.html"
    good = page.read_bytes()
    page.write_bytes(good + b" ")
    (out / "units/so-b/report.en.html").unlink()
    del notebooks[:]
    sipas("run", path, *asked)
    assert [parameters.get("unit") for _, parameters in notebooks] == ["so-a", "so-b"]
    assert page.read_bytes() == good
    del notebooks[:]
    make_wave(GOOD.replace("so-a,5,4,3,5", "so-a,5,4,3,4", 1))
    sipas("run", path, *asked)
    assert len(notebooks) == 3


@pytest.mark.slow
def test_run_goes_on_when_one_unit_fails(sipas, make_wave, notebooks, monkeypatch, tmp_path):
    """The other reports are made; the failed one is named; the exit code is 1."""
    make = running.run_notebook

    def run(name, parameters, folder=None, engine="", **_):
        if parameters.get("unit") == "so-a":
            raise NotebookError("notebook", notebook=name, cell=3, why="ValueError: x")
        make(name, parameters, folder)

    monkeypatch.setattr(worker, "run_notebook", run)
    asked = ["--engine", "kernel", "--out", tmp_path / "out"]
    code, out, err = sipas("run", make_wave(GOOD), *asked)
    assert code == 1
    assert "1 report(s) failed" in out
    assert "so-a: The notebook unit_report stopped in cell 3" in err
    assert (tmp_path / "out/units/so-b/report.en.html").is_file()
    assert not (tmp_path / "out/units/so-a").exists()
    assert "stopped in cell 3" in (tmp_path / "out/index.html").read_text("utf-8")


@pytest.mark.slow
def test_a_run_and_its_archive_are_verified_and_traced(sipas, make_wave, notebooks, tmp_path):
    """0 if all is the same, 1 if not or if nothing could be computed; the receipt is told.

    The program that traces is that of the receipt, and so is the value, or the difference is said.
    """
    wave, out = make_wave(GOOD, languages=["vi"]), tmp_path / "out"
    _, said, _ = sipas("run", wave, "--out", out, "--engine", "kernel", "--jobs", 1, lang="")
    code, found, _ = sipas("verify", out, "--out", tmp_path / "page")
    assert code == 0
    assert found.startswith("SAME.")
    receipt = re.search("Receipt ([0-9a-f]{64})", found)[1]
    assert receipt in said
    pages = {it.name: it.read_text("utf-8") for it in (tmp_path / "page").iterdir()}
    assert "GIỐNG HỆT" in pages["verdict.vi.html"]
    assert "SAME." in pages["verdict.en.html"]
    code, _, _ = sipas("archive", out, "--out", tmp_path / "out.zip")
    assert sipas("verify", tmp_path / "out.zip")[0] == code == 0
    assert sipas("archive", out, "--public")[0] == 0
    code, found, _ = sipas("verify", tmp_path / "out.public.zip")
    assert (code, found[:13]) == (1, "NOT VERIFIED:")
    assert found.count("leaves out") == 1  # one line for all files
    for place in (out, tmp_path / "out.zip"):
        code, said, _ = sipas("trace", "A1@so-a", place)
        assert code == 0
        assert "Rows: answers.csv: 2–31 (30 forms); rows as numbered when" in said
        assert "as the receipt says" in said
        assert "Receipt: says 66.66666667: the same" in said
    code, _, why = sipas("trace", "A1@so-a", tmp_path / "out.public.zip")
    assert code == 23
    assert "a public one, without a form" in why
    (tmp_path / "answers.csv").write_text(GOOD.replace("5,4,3,5", "1,4,3,5", 1), "utf-8")
    code, found, _ = sipas("verify", out)
    assert code == 1
    assert "input answers.csv is not the one that was read" in found
    assert "figure A1#value was" in found
    assert "Receipt: DIFFERENT: says 66.66666667" in sipas("trace", "A1@so-a", out)[1]
    assert (
        "Receipt: says 66.66666667: the same" in sipas("trace", "A1@so-a", tmp_path / "out.zip")[1]
    )


def test_what_is_no_run_is_refused_in_words(sipas, tmp_path):
    """A folder that is not there, and a wave where its outputs are expected."""
    wave = tmp_path / "wave.yaml"
    wave.write_text("id: a", "utf-8")
    for path, words in ((tmp_path / "none", "There is no folder"), (wave, "--wave")):
        code, _, why = sipas("verify", path)
        assert code == 23
        assert words in why


@pytest.mark.slow
def test_a_figure_is_traced_by_id_or_as_it_is_printed(sipas, make_wave):
    """Division, rule and rows; a number that nobody printed, or several did, is refused."""
    wave = make_wave(GOOD)
    code, said, _ = sipas("trace", "A1@so-a", wave)
    assert code == 0
    assert "20 satisfied of 30 valid answers" in said
    assert "Rows: answers.csv: 2–31 (30 forms); rows as numbered when" in said
    assert "66.67; unrounded 66.66666667" in said
    assert "Blank" not in said
    assert "Receipt" not in said
    code, _, why = sipas("trace", "66,67", wave)
    assert code == 17
    assert "Name one by its id, or add --unit: " in why
    assert sipas("trace", "A1", wave, "--unit", "so-z")[0] == 14
    code, _, why = sipas("trace", "12.34", wave)
    assert code == 17
    assert "named or printed 12.34. All names" in why


@pytest.mark.slow
def test_what_does_not_count_is_traced_to_its_rows(sipas, make_wave):
    """A blank answer, a form that was dropped; two units of a pair; a mean that is no division."""
    rows = GOOD.splitlines()
    rows[2], rows[4] = "so-a,,4,5,4", "so-a,,,5,"
    wave = make_wave("\n".join(rows) + "\n", min_answered=2)
    said = sipas("trace", "A1@so-a", wave)[1]
    assert "Forms: 29, of which 28 count" in said
    assert "Blank: 1 form(s) without an answer that counts: answers.csv: 3" in said
    assert "Dropped: 1 of 60 forms of the whole wave: Form dropped: " in said
    assert "too few items answered (1; answers.csv: 5)" in said
    assert "Rows: answers.csv: 2–4, 6–31 (29 forms)" in said
    said = sipas("trace", "mean_score@so-a", wave)[1]
    assert "no single division" in said
    wave = make_wave("\n".join(rows) + "\n", min_answered=2, leave_out={"OVERALL": ["3"]})
    n = sum(row.endswith(",3") for row in rows)
    said = sipas("trace", "A1@so-a", wave)[1]
    assert f"Dropped: {n + 1} of 60 forms of the whole wave: " in said
    assert "too few items answered (1; answers.csv: 5)" in said
    assert f"left out by rule `leave_out:` ({n}; answers.csv: " in said


@pytest.mark.slow
def test_files_of_other_answers_are_neither_linked_nor_proved(
    sipas, make_wave, notebooks, tmp_path
):
    """Answers change, one unit is made: the others' old files are named, not published again."""
    path, out = make_wave(GOOD), tmp_path / "out"
    asked = ["--engine", "kernel", "--jobs", 1, "--out", out]
    assert "Left aside" not in sipas("run", path, *asked)[1]
    make_wave(GOOD.replace("so-a,5,4,3,5", "so-a,5,4,3,4", 1))
    said = sipas("run", path, *asked, "--units", "so-a")[1]
    assert "files of 2 report(s)" in said
    assert "(Report on the whole, so-b)" in said
    assert "--formats html and without --units" in said
    assert "no longer in the list" not in said
    names = json.loads((out / "receipt.json").read_text("utf-8"))["outputs"]
    assert {name for name in names if name.startswith(("units", "province"))} == {
        "units/so-a/report.en.html"
    }
    page = (out / "index.html").read_text("utf-8")
    assert "units/so-a/report.en.html" in page
    assert "units/so-b/report.en.html" not in page
    code, found, _ = sipas("verify", out)
    assert (code, found[:5]) == (0, "SAME.")
    assert "note: units/so-b/report.en.html is not of this run" in found


@pytest.mark.slow
def test_a_failure_takes_nothing_from_what_stands(
    sipas, make_wave, notebooks, monkeypatch, tmp_path
):
    """Word fails, the HTML of before is still linked and proved; a spoilt note is made anew."""
    path, out = make_wave(GOOD), tmp_path / "out"
    asked = ["--engine", "kernel", "--jobs", 1, "--out", out]
    sipas("run", path, *asked)
    real = worker.run_notebook

    def run(*_, **__):
        raise NotebookError("notebook", notebook="unit_report", cell=3, why="ValueError: x")

    monkeypatch.setattr(worker, "run_notebook", run)
    assert sipas("run", path, *asked, "--formats", "docx")[0] == 1
    names = json.loads((out / "receipt.json").read_text("utf-8"))["outputs"]
    assert "units/so-b/report.en.html" in names
    assert "units/so-b/report.en.html" in (out / "index.html").read_text("utf-8")
    monkeypatch.setattr(worker, "run_notebook", real)
    (out / "state/so-a.json").write_text("[]", "utf-8")
    del notebooks[:]
    assert sipas("run", path, *asked)[0] == 0
    assert [parameters.get("unit") for _, parameters in notebooks] == ["so-a"]


@pytest.mark.slow
def test_a_unit_that_left_is_named_with_its_old_files(sipas, make_wave, notebooks, tmp_path):
    """No form of it any more: its report of before is nobody's."""
    path, out = make_wave(GOOD), tmp_path / "out"
    asked = ["--engine", "kernel", "--jobs", 1, "--out", out]
    sipas("run", path, *asked)
    make_wave("".join(line for line in GOOD.splitlines(keepends=True) if "so-b" not in line))
    said = sipas("run", path, *asked)[1]
    assert "1 folder(s) belong to units that are no longer in the list of units" in said
    assert "so-b" in said
    assert "delete these folders" in said


@pytest.mark.slow
def test_another_format_is_added_to_a_run_without_losing_the_first(
    sipas, make_wave, notebooks, tmp_path
):
    """Made of the same answers, both belong to the wave; both are linked and proved."""
    path, out = make_wave(GOOD), tmp_path / "out"
    asked = ["--engine", "kernel", "--jobs", 1, "--out", out, "--units", "so-a"]
    sipas("run", path, *asked)
    del notebooks[:]
    sipas("run", path, *asked, "--formats", "docx")
    assert len(notebooks) == 1
    names = json.loads((out / "receipt.json").read_text("utf-8"))["outputs"]
    assert {"units/so-a/report.en.html", "units/so-a/letter.en.docx"} < names.keys()
    del notebooks[:]
    sipas("run", path, *asked)
    assert notebooks == []


def test_a_folder_without_a_receipt_is_refused(sipas, tmp_path):
    """Exit code 23, one paragraph."""
    code, _, why = sipas("verify", tmp_path)
    assert code == 23
    assert "receipt.json is not there" in why


# ── refusals

LONELY = "unit,tang,A1,A2,D1,OVERALL\nso-a,x,5,4,3,5\nso-a,y,5,4,3,5\nso-b,y,5,4,3,5\n"
BAD = {
    11: ({"responses": [{"file": "gone.csv"}]}, GOOD, "gone.csv"),
    12: ({}, GOOD.replace("5,4,3,5", "5,7,3,5", 1), "cell C2 (column “A2”), value '7'"),
    13: (
        {},
        GOOD.replace("unit,", "unit,Lạ,").replace("-a,", "-a,1,").replace("-b,", "-b,1,"),
        "column “Lạ”",
    ),
    14: ({}, GOOD.replace("so-b", "so-z"), "value 'so-z'"),
    15: ({"yeer": 2024}, GOOD, "Did you mean `year`"),
    16: (
        {"columns": {"unit": "unit", "form": "no"}},
        "no,unit,A1,A2,D1\n1,so-a,5,4,3\n1,so-b,4,4,3\n",
        "Form ids must be unique",
    ),
    20: ({}, GOOD.replace("so-b,5", "so-z,7", 1), "value 'so-z'"),
    21: ({"columns": {"unit": "unit", "stratum": "tang"}}, LONELY, "strata: x"),
}


# Every mistake with `check` and every verb with one mistake are quick; the other pairs are slow.
REFUSALS = [
    pytest.param(code, verb, marks=[] if verb == "check" or code == 12 else pytest.mark.slow)
    for code in BAD
    for verb in ("check", "score", "drivers", "report", "run")
]


CHECK_FILES = {"return", "overview.xlsx", "overview.csv", "state"}  # state: notes on the others


@pytest.mark.parametrize(("code", "verb"), REFUSALS)
@pytest.mark.quick_cases(1)
def test_a_bad_wave_is_one_paragraph_and_leaves_nothing(sipas, make_wave, tmp_path, code, verb):
    """Its own exit code, place, value and remedy; no traceback; only ``check`` writes files."""
    facts, answers, shown = BAD[code]
    out = ["--out", tmp_path / "out"]
    found, _, err = sipas(verb, make_wave(answers, **facts), *out)
    assert found == code
    assert shown in err
    assert "Traceback" not in err
    written = {path.relative_to(tmp_path / "out").parts[0] for path in tmp_path.rglob("out/**/*.*")}
    assert written <= (CHECK_FILES if verb == "check" else set())
    assert [*Path.cwd().iterdir()] == []


@pytest.mark.slow
def test_records_that_are_refused_stop_a_report_before_anything_is_made(sipas, make_wave, tmp_path):
    """An unknown state is named with file, row and value; ``check`` only names the file."""
    wave = make_wave(GOOD, records={"dossiers": "ho-so.csv"})
    heads = "MaHoSo,NgayTiepNhan,NgayKetThucXuLy,TrangThaiHoSoId,KenhThucHien,DonViQuanLy"
    rows = f"{heads}\nH1,01/02/2024 08:00:00,,77,1,so-a\n"
    (wave.parent / "ho-so.csv").write_text(rows, "utf-8")
    code, _, err = sipas("report", wave, "--out", tmp_path / "out")
    assert code == 26
    assert "ho-so.csv, row 2" in err
    assert "'77'" in err
    assert "Traceback" not in err
    assert [*tmp_path.rglob("out/**/*.*")] == []
    code, shown, _ = sipas("check", wave)
    assert code == 0
    assert "ho-so.csv" in shown


def test_every_kind_of_mistake_has_its_own_exit_code():
    """10 and above; a script can tell them apart."""
    kinds = errors.SipasError.__subclasses__()
    codes = [errors.SipasError.exit_code, *(kind.exit_code for kind in kinds)]
    assert len(set(codes)) == len(codes)
    assert min(codes) == 10
    assert {*BAD} | {10, 17, 18, 19, 22, 23, 24, 25, 26, 27} == set(codes)


@pytest.mark.parametrize("answers", [GOOD, GOOD.replace("5,4,3,5", "5,7,3,5")])
@pytest.mark.slow
def test_a_check_with_return_slips_reads_each_file_once(sipas, make_wave, monkeypatch, answers):
    """What was read is what the slips speak of; a later check reads again."""
    files, read = [], file_cells.read_sheet
    monkeypatch.setattr(
        file_cells, "read_sheet", lambda path, name: files.append(path.name) or read(path, name)
    )
    path = make_wave(answers)
    for times in (1, 2):
        sipas("check", path, "--out", "out")
        assert files == ["answers.csv"] * times
    assert Path("out/overview.csv").is_file()


def test_equal_complaints_are_grouped_and_at_most_ten_are_shown(sipas, make_wave):
    """Each value stands once, with its cells; the rest is counted, and the whole list is named."""
    code, _, err = sipas("check", make_wave(GOOD.replace("5,4,3,5", "5,7,3,5")))
    assert code == 12
    assert len(err.splitlines()) == 1
    assert "20 are not (answers.csv, cells C2, C5, C8," in err
    assert "C29, and 10 more (column “A2”), value '7')" in err
    lines = GOOD.splitlines()
    lines[1:13] = [f"so-a,{k}0,4,4,4" for k in range(1, 13)]
    _, _, err = sipas("check", make_wave("\n".join(lines) + "\n"))
    assert "cell B11 (column “A1”), value '100'; and 2 more)" in err
    assert "sipas check WAVE --out DIR" in err.splitlines()[1]
    lines[1:13] = ["so-a,7,4,4,4"] * 12
    assert (
        "(answers.csv, cells B2–B13 (column “A1”), value '7')"
        in sipas("check", make_wave("\n".join(lines) + "\n"))[2]
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--unit", "so-x"], 14, "Nearest: so-"),
        (["--unit", "so-c"], 14, "“so-c” has no valid form"),
        (["-p", "unti=so-a", "--unit", "so-a"], 17, "Did you mean unit?"),
        (["-p", "unit=so-a"], 17, "has no parameter “unit”"),
        (["-p", "out=elsewhere"], 17, "follows from the command"),
        (["-p", "wave=other.yaml"], 17, "follows from the command"),
        (["-p", "unit"], 17, "is written NAME=VALUE"),
        (["--lang", "fr"], 17, "“fr” is neither"),
        (["--unknown"], 2, "has no option --unknown"),
    ],
)
@pytest.mark.quick_cases(1)
def test_a_report_that_cannot_be_made_is_refused(
    sipas, make_wave, notebooks, tmp_path, words, code, said
):
    """Unknown or silent unit, misspelt parameter, other language, other option."""
    from conftest import UNITS

    path = make_wave(GOOD, units=UNITS + "so-c,Sở C,Department C,departments,\n")
    lang = "" if "--lang" in words else "en"
    found, _, err = sipas("report", path, *words, "--out", tmp_path / "out", lang=lang)
    assert found == code
    assert said in err
    assert not (tmp_path / "out").exists()
    assert notebooks == []


@pytest.mark.slow
def test_a_refused_check_leaves_what_to_send_back(sipas, make_wave, tmp_path):
    """The exit code is that of the refusal; the slip and the overview are there."""
    of_one = GOOD.partition("so-b")[0].replace("5,4,3,5", "5,7,3,5", 1)
    path = make_wave(of_one, units="code,name_vi,group\nso-a,Sở A,departments\n")
    code, out, err = sipas("check", path, "--out", tmp_path / "out")
    assert code == 12
    assert f"Wrote {tmp_path / 'out/overview.xlsx'}" in out
    assert f"Wrote 2 files to return to units to {tmp_path / 'out/return'}" in out
    names = {file.relative_to(tmp_path / "out").as_posix() for file in tmp_path.rglob("out/**/*.*")}
    slips = {"return/so-a.docx", "return/so-a.xlsx"}
    notes = {"state/written/return.json", "state/written/overview.xlsx.json"}  # what was written
    assert names == {"overview.csv", "overview.xlsx", *slips, *notes}
    assert "cell C2" in err
    plain = sipas("check", path)
    assert (plain[0], plain[1]) == (12, "")


@pytest.mark.slow
def test_a_check_in_words_numbers_and_with_few_forms(sipas, make_wave):
    """No rule code, no 0.0000, decimals of the language; seven forms are named."""
    units = "code,name_vi,group\n" + "".join(f"u-{k},Đơn vị {k},departments\n" for k in range(6))
    rng = random.Random(3)
    forms = [
        f"u-{k},{','.join(str(rng.randint(2, 5)) for _ in range(4))}\n"
        for k in range(1, 6)
        for _ in range(60 if k < 5 else 7)
    ]
    answers = "unit,A1,A2,D1,OVERALL\n" + "".join(forms) + "u-0,5,5,5,5\n" * 60
    path = make_wave(answers, units=units)
    code, out, _ = sipas("check", path, lang="vi")
    text = " ".join(re.sub("[┃│┏┓┗┛━─┡┩╇╈┳┴┻└┘┬┼]", " ", out).split())
    assert code == 0
    assert "Mọi người đều hài lòng với mọi tiêu chí" in text
    assert "nhỏ hơn 0,001" in text
    assert not re.search(r"\bQ[1-7]\b|0,0000|\d\.\d", text.replace(str(path), ""))
    assert "Chưa đủ 30 phiếu hợp lệ để xếp hạng: Đơn vị 5 (7 phiếu, cần ít nhất 30)" in text
    assert 'accepted:\n  u-0: {by: "…", because: "…"}' in out
    code, out, _ = sipas("score", path, lang="vi")
    assert "Chưa xếp hạng Đơn vị 0: phiếu cần kiểm tra lại trước khi công bố" in out
    assert 'accepted:\n  u-0: {by: "…", because: "…"}' in out


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_is_refused(sipas, make_wave, tmp_path):
    """A file stands where the folder should be."""
    (tmp_path / "out").write_text("mine", "utf-8")
    code, _, err = sipas("score", make_wave(GOOD), "--out", tmp_path / "out")
    assert code == 19
    assert "choose another folder with --out" in err
    assert (tmp_path / "out").read_text("utf-8") == "mine"


def test_a_fault_of_ours_says_so_and_leaves_a_log(sipas, make_wave, monkeypatch):
    """Exit code 70, one paragraph, the program's lines in a file, and no answer of a person."""
    from sipas_analysis.collect import survey

    def fail(wave):
        try:
            float("Chị Hoa, 0912345678")
        except ValueError as error:
            raise ZeroDivisionError("Chị Hoa, 0912345678") from error

    monkeypatch.setattr(survey, "read_survey", fail)
    code, _, err = sipas("score", make_wave(GOOD))
    log = Path.cwd() / "sipas-error.log"
    assert code == 70
    assert "This is our fault, not yours: ZeroDivisionError" in err
    assert str(log) in err
    assert len(err.splitlines()) == 1
    details = log.read_text("utf-8")
    assert "ZeroDivisionError\n" in details
    assert "ValueError\n" in details
    assert re.search(r"test_cli\.py\", line \d+, fail", details)
    assert "Hoa" not in details + err
    assert "0912345678" not in details + err


def test_a_fault_of_ours_in_a_folder_that_is_read_only_still_leaves_a_log(
    sipas, make_wave, monkeypatch, tmp_path
):
    """The log goes beside other temporary files."""
    from sipas_analysis.collect import survey

    monkeypatch.setattr(survey, "read_survey", lambda wave: 1 / 0)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    (Path.cwd() / "sipas-error.log").mkdir()
    code, _, err = sipas("score", make_wave(GOOD))
    assert code == 70
    assert str(tmp_path / "sipas-error.log") in err
    assert "ZeroDivisionError" in (tmp_path / "sipas-error.log").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("language", ["vi", "en"])
def test_compare_draws_a_line_only_where_the_same_was_asked(sipas, tmp_path, language):
    """2020 to 2021 yes; to 2023, across questionnaire and population, no, and why; exit 0."""
    data = Path(__file__).parents[2] / "data"
    waves = [str(data / f"an-giang-{year}") for year in (2023, 2020, 2021)]
    code, out, _ = sipas("compare", *waves, "--out", tmp_path, lang=language)
    said = {
        "en": "may not be compared. the questionnaire changed",
        "vi": "không so sánh được. bộ câu hỏi đã đổi",
    }[language]
    assert code == 0
    assert "an-giang-2020 → an-giang-2021" in out
    names = {"en": ("Departments", "Home Affairs"), "vi": ("Sở, ban, ngành", "Sở Nội vụ")}
    assert all(name in out for name in names[language])
    assert "so-nv" not in out
    assert f"an-giang-2021 → an-giang-2023: {said}" in " ".join(out.split())
    with (tmp_path / "tables/changes.csv").open(encoding="utf-8-sig") as handle:
        table = list(csv.DictReader(handle))
    broken = [row for row in table if row["before"] == "an-giang-2021"]
    assert {(row["reason"], row["value"]) for row in broken} == {
        ("instrument population weights_added", "")
    }
    whole = [
        row["value"]
        for row in table
        if row not in broken and (row["domain"], row["variable"]) == ("all", "overall")
    ]
    years = [score(read_survey(read_wave(data / f"an-giang-{year}"))) for year in (2020, 2021)]
    values = [it.select(variable="overall").frame["value"].item() for it in years]
    assert whole == [f"{values[1] - values[0]:.10g}"]
    page = (tmp_path / f"compare.{language}.html").read_text("utf-8")
    assert {"en": "These two years may not be compared", "vi": "Không so sánh được hai năm"}[
        language
    ] in page


def test_verdict_says_which_key_is_missing(sipas, make_wave):
    """Before anything is written."""
    code, _, err = sipas("verdict", make_wave(GOOD), "--out", "out")
    assert code == 15
    assert "names no plan to judge" in err
    assert not Path("out").exists()


@pytest.mark.slow
def test_verdict_prints_and_writes_what_came_of_the_plan(sipas, tmp_path):
    """The table of the wave's own data; the file has each line."""
    wave = Path(__file__).parents[2] / "data/an-giang-2021"
    code, out, _ = sipas("verdict", wave, "--out", tmp_path, lang="vi")
    assert code == 0
    assert "Giải pháp mà nhiều đơn vị cùng thực hiện" in out
    with (tmp_path / "tables/verdicts.csv").open(encoding="utf-8-sig") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["item"] for row in rows if row["kind"] == "measure"] == ["B1", "C4"]
    assert {row["verdict"] for row in rows} >= {"worked", "no_sign", "too_early", "cannot_tell"}
