"""No output of a run, and neither archive, has a dossier, its code or the code of an official."""

import random
import re
import shutil
import zipfile
from io import BytesIO

import pandas as pd
import pytest
import yaml
from conftest import FACTS, PACK

from sipas_analysis.collect.survey import read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.figures.published import figures_of
from sipas_analysis.proof.archive import write_archive
from sipas_analysis.proof.read_back import read_printed
from sipas_analysis.proof.receipt import read_receipt
from sipas_analysis.proof.trace import explain_figure, trace
from sipas_analysis.proof.verify import verify
from sipas_analysis.reports.restricted_output import write_late_again
from sipas_analysis.runs.annual_run import RunRequest, run_wave
from sipas_analysis.runs.remake import remake

pytestmark = pytest.mark.slow

UNITS = "code,name_vi,name_en,group\n" + "".join(
    f"so-{letter},Sở {letter.upper()},Department {letter.upper()},departments\n" for letter in "ab"
)
SECRET = re.compile(rb"HSX-\d{6}|CBZ\d{4}|Zyx Bi Mat|0912345678")  # dossiers, officials, a person
STEPS = ("Tiếp nhận", "Thẩm định", "Trả kết quả")
CITIZEN = "Zyx Bi Mat"  # in a column that must not be read


def write_inputs(folder):
    """Write a wave of two units with 600 dossiers, 1,800 movements, and codes on the forms."""
    draw, day = random.Random(21), pd.Timestamp("2024-03-04 08:00")
    dossiers, movements, answers = [], [], []
    for number in range(600):
        unit = "ab"[number % 2]
        code, start = f"HSX-{number:06d}", day + pd.Timedelta(days=number % 200)
        ends = [start + pd.Timedelta(hours=draw.randrange(1, 300) + 5 * k) for k in range(3)]
        ends.sort()
        facts = {"MaHoSo": code, "MaTTHC": "T1", "TenTTHC": "Cấp phép", "MaLinhVuc": "L1"}
        facts |= {"TenLinhVuc": "Xây dựng", "KenhThucHien": draw.choice("123")}
        facts |= {"TrangThaiHoSoId": 9, "NgayTiepNhan": start, "NgayKetThucXuLy": ends[-1]}
        facts |= {"ThoiGianThucHien": 5, "LoaiThoiGianThucHien": "Ngày làm việc"}
        facts |= {"NguoiDaXuLy": f"CBZ{number % 9:04d}", "DonViQuanLy": f"so-{unit}"}
        dossiers.append(facts | {"ChuHoSo": CITIZEN, "SoDienThoai": "0912345678"})
        for step, (begin, end) in zip(STEPS, zip([start, *ends], ends, strict=False), strict=True):
            stay = {"MaHoSo": code, "TenBuoc": step, "PhongBan": "Phòng 1", "TrangThaiHoSoId": 4}
            stay |= {"NguoiXuLy": f"CBZ{number % 9:04d}", "NgayBatDau": begin, "NgayKetThuc": end}
            movements.append(stay)
        if number < 120:
            levels = [draw.choice([2, 3, 4, 4, 5]) for _ in range(4)]
            answers.append([f"so-{unit}", *levels, code if number % 3 else ""])
    columns = ["unit", "A1", "A2", "D1", "OVERALL", "code"]
    pd.DataFrame(answers, columns=columns).to_csv(folder / "answers.csv", index=False)
    pd.DataFrame(dossiers).to_csv(folder / "dossiers.csv", index=False)
    pd.DataFrame(movements).to_csv(folder / "movements.csv.gz", index=False)
    facts = FACTS | {"languages": ["vi"], "min_forms": 20}
    facts["columns"] = {"unit": "unit", "dossier": "code"}
    facts["records"] = {"dossiers": "dossiers.csv", "movements": "movements.csv.gz"}
    texts = {"pack.yaml": PACK, "units.csv": UNITS, "wave.yaml": yaml.safe_dump(facts)}
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    return folder / "wave.yaml"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run of the province and two units, with the restricted file, and both archives of it."""
    home = tmp_path_factory.mktemp("records")
    (home / "in").mkdir()
    survey = read_survey(read_wave(write_inputs(home / "in")))
    formats = ("html", "docx", "xlsx")
    assert run_wave(survey, RunRequest(home / "out", formats=formats, jobs=1)) == {}
    write_late_again(survey, home / "out")
    for public in (False, True):
        write_archive(home / "out", home / f"public-{public}.zip", public=public)
    return home


def list_contents(content, name):
    """Yield name and content of a file, and of all parts of a zip."""
    yield name, content
    if zipfile.is_zipfile(BytesIO(content)):
        with zipfile.ZipFile(BytesIO(content)) as parts:
            for part in parts.namelist():
                yield from list_contents(parts.read(part), f"{name}!{part}")


def find_secrets(path):
    """Return the names of the files, and parts of files, in which a secret stands."""
    return [
        name
        for name, content in list_contents(path.read_bytes(), path.name)
        if SECRET.search(content)
    ]


def test_no_file_of_a_run_has_a_dossier_or_an_official(made):
    """Every file is searched: pages, documents, workbooks, tables, logs, notes, the receipt."""
    paths = [path for path in (made / "out").rglob("*") if path.is_file()]
    kinds = {path.suffix for path in paths}
    assert {".html", ".docx", ".xlsx", ".csv", ".json"} <= kinds
    assert [path.name for path in paths if find_secrets(path)] == ["late_again.csv"]
    assert (made / "out/restricted/late_again.csv").stat().st_mode & 0o077 == 0
    page = (made / "out/index.html").read_text("utf-8")
    assert "late_again" not in page
    assert "record:on_time_percent:so-a" in page
    for name in ("timeliness", "steps", "channels", "facts", "aside"):
        assert (made / f"out/tables/{name}.csv").is_file()


def test_no_archive_has_the_restricted_file(made):
    """The whole archive has codes in the inputs alone, the public one nowhere."""
    assert find_secrets(made / "public-True.zip") == []
    found = find_secrets(made / "public-False.zip")
    assert {name.partition("!inputs/")[1] for name in found} == {"!inputs/"}
    for public in (False, True):
        with zipfile.ZipFile(made / f"public-{public}.zip") as parts:
            names = parts.namelist()
        outputs = [name for name in names if not name.startswith("program/")]
        assert [name for name in outputs if "restricted" in name or "late_again" in name] == []
        assert "outputs/tables/timeliness.csv" in names
    listed = read_receipt(made / "out")
    assert not any("restricted" in name for name in listed["outputs"])
    files = {row["file"] for row in listed["inputs"]}
    assert {"dossiers-1.csv", "movements-1.csv.gz"} <= files


def test_a_figure_of_records_is_verified_and_traced(made, tmp_path):
    """A changed record file is named, all printed numbers agree; a trace names the files."""
    shutil.copytree(made, tmp_path / "copy")
    path = tmp_path / "copy/in/dossiers.csv"
    path.write_text(path.read_text("utf-8").replace(",T1,", ",T2,", 1), "utf-8")
    verification = verify(tmp_path / "copy/out", remake=remake)
    found = [(finding.kind, finding.file) for finding in verification.findings]
    assert ("input", "dossiers.csv") in found
    assert "figure" not in {kind for kind, _ in found}  # a procedure changes no figure
    page = read_printed(made / "out/province/report.vi.html")
    assert "record:on_time_percent:all" in {number.id for number in page}
    survey = read_survey(read_wave(made / "in/wave.yaml"))
    row = trace(survey, "record:on_time_percent:so-a")
    told = dict(explain_figure(survey, row, "en"))
    done = int(figures_of(survey).find("record:done:so-a")["value"])
    assert f"of {done}" in told["Division"]
    assert "dossiers-1.csv" in told["Records of the office"]
    assert not SECRET.search(str(told).encode())
