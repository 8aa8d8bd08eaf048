"""The wheel, installed outside the checkout, does what the README says; the sdist builds it, too.

The environment is new, but sees the libraries of the development environment, so that no network is
needed. The same was done by hand with libraries from the registry (docs/install.md).
"""

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

import sipas_analysis

ROOT = Path(__file__).parents[2]
NAME = f"sipas_analysis-{sipas_analysis.__version__}"
# Nothing of the checkout, of this test or of the user reaches the installed program.
KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "MPLCONFIGDIR", "OMP_NUM_THREADS")


def run(*words, folder):
    """Run a command in a folder; return what it printed."""
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment |= {"HOME": str(folder)}
    done = subprocess.run(
        [*map(str, words)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of wheel and sdist; the wheel is built from the sdist, not from the checkout."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-d", folder]
    run(*build, "-t", "sdist", folder=ROOT)
    with tarfile.open(folder / f"{NAME}.tar.gz") as archive:
        archive.extractall(folder / "unpacked", filter="data")
    run(*build, "-t", "wheel", folder=folder / "unpacked" / NAME)
    return folder


@pytest.fixture(scope="module")
def sipas(built, tmp_path_factory):
    """Run the command of the installed wheel in an empty folder."""
    folder = tmp_path_factory.mktemp("outside")
    home = folder / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", home, folder=folder)
    scheme = {"base": str(home), "platbase": str(home)}
    Path(sysconfig.get_path("purelib", "venv", scheme), "of_development.pth").write_text(
        "\n".join({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}), "utf-8"
    )
    scripts = Path(sysconfig.get_path("scripts", "venv", scheme))
    pip = [sys.executable, "-m", "pip", "--python", scripts / "python", "install", "--no-deps"]
    run(*pip, "--no-index", built / f"{NAME}-py3-none-any.whl", folder=folder)
    work = folder / "work"
    work.mkdir()
    code = "import sipas_analysis; print(sipas_analysis.__file__)"
    place = run(scripts / "python", "-c", code, folder=work)
    assert Path(place).is_relative_to(home)
    return lambda *words: run(scripts / "sipas", *words, "--lang", "en", folder=work), work


@pytest.mark.slow
def test_the_wheel_holds_program_data_and_notebooks(built):
    """Every file of the package that is no bytecode, the notebooks, licences and extras."""
    with zipfile.ZipFile(built / f"{NAME}-py3-none-any.whl") as wheel:
        names = set(wheel.namelist())
        facts = message_from_bytes(wheel.read(f"{NAME}.dist-info/METADATA"))
    tracked = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "sipas_analysis", "notebooks"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")[:-1]
    wanted = {
        f"sipas_analysis/{name}" if name.startswith("notebooks/") else name for name in tracked
    }
    assert wanted - names == set()
    assert {"files", "office", "plot", "models", "report", "lab", "all", "cluster"} <= {
        *facts.get_all("Provides-Extra")
    }
    assert facts["License-Expression"] == "MIT AND OFL-1.1"
    assert not any(name.startswith(("tests/", "data/", "docs/")) for name in names)


@pytest.mark.slow
def test_the_installed_program_makes_reports_of_a_demo(sipas):
    """`sipas demo`, `check`, `run` and `verify`, in a folder that knows no checkout."""
    command, work = sipas
    command("demo", "try", "--units", "2")
    assert "forms" in command("check", "try/wave.yaml")
    command("run", "try/wave.yaml", "--out", "made", "--formats", "html,xlsx")
    assert len([*(work / "made" / "units").glob("*/report.en.html")]) == 2
    assert (work / "made" / "province" / "annexes.en.xlsx").stat().st_size > 10_000
    assert "SAME" in command("verify", "made", "--wave", "try/wave.yaml")


@pytest.mark.slow
def test_lab_copies_notebooks_and_a_demo_and_passes_options_on(sipas):
    """JupyterLab answers for itself; the folder can be worked in, and a changed file is kept."""
    command, work = sipas
    assert command("lab", "desk", "--version").strip().split("\n")[-1][0].isdigit()
    notebooks = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert {path.name for path in (work / "desk").glob("*.ipynb")} == notebooks
    assert "forms" in command("check", "desk/data/an-giang-2021/wave.yaml")
    (work / "desk" / "audit.ipynb").write_text("mine", "utf-8")
    command("lab", "desk", "--version")
    assert (work / "desk" / "audit.ipynb").read_text("utf-8") == "mine"
