"""From the shell to a report that opens: papermill, the command line, a browser."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import warm_process
import yaml
from small_office import write_office

from sipas_analysis.errors import NotebookError
from sipas_analysis.runs.notebook import run_notebook

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
DEMO = ROOT / "data" / "an-giang-2021"
EARLIER = ROOT / "data" / "an-giang-2020"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

OF_RECORDS = (
    "timeliness",
    "steps",
    "channels",
    "petitions",
    "publication",
    "coverage",
    "facts",
    "aside",
    "disclosure",
)

pytestmark = pytest.mark.slow


def shell(*words, folder=ROOT, expect=0):
    """Run a command as a stranger types it; return what it said."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        capture_output=True,
        text=True,
        env=os.environ | {"LC_ALL": "C.UTF-8"},
        timeout=1200,
        check=False,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout + done.stderr


def papermill(name, out, *words):
    """Run a notebook under plain papermill; return its printed and shown text."""
    shell(BIN / "papermill", f"notebooks/{name}.ipynb", out, *words)
    cells = json.loads(out.read_text("utf-8"))["cells"]
    outputs = [one for cell in cells for one in cell.get("outputs", [])]
    assert not any(output["output_type"] == "error" for output in outputs)
    return "".join(
        "".join(output.get("text", "")) + "".join(output.get("data", {}).get("text/html", ""))
        for output in outputs
    )


def files_in(folder):
    """Return the names of all files below a folder, without the notes on what was written."""
    found = (path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder).as_posix() for path in found}
    return {name for name in names if "state/written/" not in name}


def test_the_unit_notebook_runs_under_plain_papermill(tmp_path):
    """As the README says, from the root of the repository; the published figure is shown."""
    given = ["-p", "wave", "data/an-giang-2021/wave.yaml", "-p", "unit", "so-ldtbxh"]
    text = papermill("unit_report", tmp_path / "out.ipynb", *given)
    assert "94,59" in text
    assert "Sở Lao động - Thương binh và Xã hội" in text


@pytest.mark.full  # CI runs it in JupyterLab and reads the same words there
def test_the_province_notebook_runs_without_parameters(tmp_path):
    """Its defaults show the demo, and say that it is synthetic; nothing is written beside it."""
    text = papermill("province_report", tmp_path / "out.ipynb")
    assert "an-giang-2021: 870 forms of 874 read, 29 units" in text
    assert text.count("<section") == 10  # nine chapters, and the first of the annexes
    assert files_in(tmp_path) == {"out.ipynb"}


@pytest.mark.full  # as the one above
def test_the_notebook_of_an_auditor_counts_the_published_figure_again(tmp_path):
    """Traced to rows of the input, and counted by hand: 612 of 647."""
    text = papermill("audit", tmp_path / "out.ipynb")
    assert "612 647 94.59" in text
    assert "responses.csv: 32–61" in text


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A folder with the demo and what ``sipas report`` writes and prints, called in it."""
    folder = tmp_path_factory.mktemp("published")
    shutil.copytree(DEMO, folder / "wave")
    shutil.copytree(EARLIER, folder / EARLIER.name)
    return folder, shell(BIN / "sipas", "report", "wave/wave.yaml", "--out", "out", folder=folder)


def test_sipas_report_writes_the_layout_that_others_rely_on(published):
    """One page per language, the tables of answers and of records, nothing else."""
    folder, printed = published
    assert files_in(folder / "out") == {
        "province/report.vi.html",
        "province/report.en.html",
        "province/annexes.vi.html",
        "province/annexes.en.html",
        "tables/tables.vi.xlsx",
        "tables/tables.en.xlsx",
        "tables/scores.csv",
        "tables/ranking.csv",
        "tables/drivers.csv",
        "tables/figures.csv",
        "tables/pairs.csv",
        "tables/robust.csv",
        "tables/importance.csv",
        "tables/priority.csv",
        "tables/what_if.csv",
        "tables/penalties.csv",
        "tables/plan.csv",
        "tables/verdicts.csv",
        *(f"tables/{name}.csv" for name in OF_RECORDS),
    }
    path = Path(re.search(r"Report: (.+\.html)", printed)[1])
    assert (folder / path).is_file()
    assert {one.name for one in folder.iterdir()} == {"wave", "an-giang-2020", "out"}
    page = (folder / "out/province/report.vi.html").read_text("utf-8")
    assert "DỮ LIỆU MÔ PHỎNG" in page


def test_a_misspelt_parameter_is_refused(tmp_path):
    """papermill alone would report the default year."""
    words = ("report", DEMO, "-p", "waev=x", "--out", tmp_path / "out", "--lang", "en")
    printed = warm_process.run(*words, expect=17)
    assert "Did you mean wave?" in printed
    assert not (tmp_path / "out").exists()


def test_hostile_names_stay_inside_the_output_folder(tmp_path):
    """``<script>``, ``=cmd`` and ``../../x`` go through a whole run of three units."""
    names = ["<script>alert(1)</script>", "=cmd|'/c calc'!A0", "../../x"]
    answers = (DEMO / "responses.csv").read_text("utf-8").splitlines()
    for name, unit in zip(names, ("so-tttt", "so-ldtbxh", "so-nv"), strict=True):
        answers = [line.replace(f",{unit},", f",{name},") for line in answers]
    kept = [line for line in answers[1:] if any(f",{name}," in line for name in names)]
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    (folder / "responses.csv").write_text("\n".join([answers[0], *kept]) + "\n", "utf-8")
    units = "".join(f'u-{k},"{name}",departments\n' for k, name in enumerate(names))
    (folder / "units.csv").write_text("code,name_vi,group\n" + units, "utf-8")
    facts = yaml.safe_load((DEMO / "wave.yaml").read_text("utf-8")) | {"languages": ["vi"]}
    for key in ("accepted", "earlier", "plan", "records"):  # of other units
        del facts[key]
    (folder / "wave.yaml").write_text(yaml.safe_dump(facts, allow_unicode=True), "utf-8")
    before = files_in(tmp_path)
    warm_process.run("run", "wave.yaml", "--out", "out", folder=folder)
    written = files_in(tmp_path) - before
    inside = {f"units/u-{k}/report.vi.html" for k in range(3)} | {"province/report.vi.html"}
    inside |= {"province/annexes.vi.html"}
    names = (
        "scores",
        "ranking",
        "pairs",
        "robust",
        "drivers",
        "figures",
        "importance",
        "priority",
        "what_if",
        "penalties",
        "plan",
        "disclosure",
    )
    tables = {f"tables/{name}.csv" for name in names} | {"tables/tables.vi.xlsx"}
    state = {f"state/{name}.json" for name in ("province", "u-0", "u-1", "u-2")}
    proof = {"receipt.json", "receipt.private.json", "receipt.vi.html", "ro-crate-metadata.json"}
    beside = {"index.html", "run.json", ".lock"} | proof | state
    assert written == {f"deep/er/out/{name}" for name in inside | tables | beside}
    for name in inside:
        assert "<script" not in (folder / "out" / name).read_text("utf-8")
    scores = (folder / "out/tables/scores.csv").read_text("utf-8-sig")
    assert ",'=cmd|" in scores
    assert not re.search(r"(^|,)=cmd", scores, re.MULTILINE)


def test_a_notebook_that_stops_leaves_no_report(tmp_path):
    """The cell and the reason are named; what the last cell would write is not there."""
    source = json.loads((ROOT / "notebooks/province_report.ipynb").read_text("utf-8"))
    broken = {**source["cells"][2], "source": ["raise RuntimeError('no more')"], "id": "broken"}
    source["cells"].insert(-1, broken)
    (tmp_path / "province_report.ipynb").write_text(json.dumps(source), "utf-8")
    wave = write_office(tmp_path / "wave")
    given = {"wave": str(wave), "language": "vi", "out": str(tmp_path / "out"), "formats": "html"}
    with pytest.raises(NotebookError, match="RuntimeError: no more") as caught:
        run_notebook("province_report", given, tmp_path)
    assert caught.value.exit_code == 18
    assert caught.value.fields["cell"] == len(source["cells"]) - 1  # as people count
    assert not (tmp_path / "out").exists()


def test_a_wave_that_changes_between_reading_and_notebook_exits_24(tmp_path):
    """The command line names the file, and no half report is left."""
    code = (
        "from pathlib import Path\n"
        "from sipas_analysis import cli\n"
        "read = cli.read_and_describe\n"
        "def break_it(path, *more, **others):\n"
        "    survey = read(path, *more, **others)\n"
        "    (Path(path).parent / 'answers.csv').write_text('gone')\n"
        "    return survey\n"
        "cli.read_and_describe = break_it\n"
        "cli.main()"
    )
    words = ("report", write_office(tmp_path / "wave"), "--out", tmp_path / "out", "--lang", "en")
    printed = warm_process.run(*words, code=code, expect=24)
    assert "answers.csv changed or was removed after it was read" in printed
    assert "Traceback" not in printed
    assert not [*(tmp_path / "out").rglob(".aside-*")]


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_a_browser_without_a_network_shows_the_whole_page(published, tmp_path):
    """Every picture is drawn, every chapter is there, and the page prints on several A4 sheets."""
    page = (published[0] / "out/province/report.vi.html").as_uri()
    no_network = ("--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=127.0.0.1:9")
    start = (
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'profile'}",
        *no_network,
    )
    dom = shell(*start, "--dump-dom", page)
    assert dom.count("<section") == 9
    assert dom.count("data:image/svg+xml") == 2 * dom.count("<figure") == 14  # wide and narrow
    assert "94,59" in dom
    shell(*start, "--no-pdf-header-footer", f"--print-to-pdf={tmp_path / 'page.pdf'}", page)
    pdf = (tmp_path / "page.pdf").read_bytes()
    assert pdf.startswith(b"%PDF")
    sheets = int(max(re.findall(rb"/Count (\d+)", pdf), key=int))
    assert 8 <= sheets <= 60
    boxes = {
        tuple(round(float(x)) for x in box.split())
        for box in re.findall(rb"/MediaBox \[([\d. ]+)\]", pdf)
    }
    assert boxes == {(0, 0, 595, 842)}
