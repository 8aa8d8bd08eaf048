"""A plan goes through LibreOffice as an officer edits it, and comes back with the same lines."""

import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.improve.plan_sheet import FILE_COLUMNS

DEMO = Path(__file__).parents[2] / "data/an-giang-2021"
HEADER = 3  # titles above the header
SCALC = Path(shutil.which("soffice") or "soffice").resolve().with_name("scalc")
AT = {name: position for position, name in enumerate(FILE_COLUMNS)}

# An officer fills in cells, comments and colours them, hides a row, adds a column and a line, sorts
# the table by owner, and saves in both formats.
MACRO = f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">
<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Module1"
 script:language="StarBasic">
Function Prop(name, value)
  Dim p As New com.sun.star.beans.PropertyValue
  p.Name = name
  p.Value = value
  Prop = p
End Function

Sub EditPlan(folder)
  doc = StarDesktop.loadComponentFromURL(ConvertToURL(folder &amp; "/plan.xlsx"), "_blank", 0, _
    Array(Prop("Hidden", True)))
  sheet = doc.Sheets.getByIndex(0)
  first = {HEADER} + 1
  sheet.getCellByPosition({AT["owner"]}, first).String = "Chánh Văn phòng"
  sheet.getCellByPosition({AT["target"]}, first).Value = 99.5
  sheet.getCellByPosition({AT["due"]}, first).Value = DateSerial(2022, 3, 31)
  sheet.getCellByPosition({AT["budget"]}, first).Value = 150000000
  sheet.getCellByPosition({AT["status"]}, first).String = "Đã duyệt"
  sheet.getCellByPosition({AT["target"]}, first + 1).Formula = "=95+4"
  sheet.getCellByPosition({AT["task"]}, first + 2).String = "@SUM(A1) &lt;b&gt;họp&lt;/b&gt;"
  cell = sheet.getCellByPosition({AT["note"]}, first + 3)
  cell.CellBackColor = RGB(255, 255, 0)
  sheet.Annotations.insertNew(cell.CellAddress, "=1+1 xem lại")
  last = first + LINES
  sheet.getCellByPosition({AT["id"]}, last).String = "P99"
  sheet.getCellByPosition({AT["unit"]}, last).String = "Toàn tỉnh"
  sheet.getCellByPosition({AT["item"]}, last).String = "A1"
  sheet.getCellByPosition({AT["task"]}, last).String = "Thêm ghế ngồi"
  sheet.getCellByPosition({AT["indicator"]}, last).String = "Tỷ lệ hài lòng theo khảo sát"
  sheet.getCellByPosition({AT["target"]}, last).Value = 97
  sheet.getCellByPosition({AT["status"]}, last).String = "Đề xuất"
  sheet.unprotect("")
  sheet.Rows.getByIndex(first + 4).IsVisible = False
  sheet.getCellByPosition({len(AT)}, {HEADER}).String = "Ý kiến"
  Dim by(0) As New com.sun.star.table.TableSortField
  by(0).Field = {AT["owner"]}
  by(0).IsAscending = False
  table = sheet.getCellRangeByPosition(0, first, {len(AT)}, last)
  table.sort(Array(Prop("SortFields", by()), Prop("ContainsHeader", False)))
  doc.storeToURL(ConvertToURL(folder &amp; "/edited.xlsx"), _
    Array(Prop("FilterName", "Calc MS Excel 2007 XML")))
  doc.storeToURL(ConvertToURL(folder &amp; "/edited.ods"), Array(Prop("FilterName", "calc8")))
  doc.close(True)
  StarDesktop.terminate()
End Sub
</script:module>
"""
LIBRARY = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE library:library PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "library.dtd">
<library:library xmlns:library="http://openoffice.org/2000/library" library:name="Standard"
 library:readonly="false" library:passwordprotected="false">
 <library:element library:name="Module1"/>
</library:library>
"""


def run_libreoffice(folder: Path, *arguments: str) -> None:
    """Run LibreOffice without a window, with a profile of its own."""
    home = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = ["soffice", home, "--headless", "--norestore", *arguments]
    subprocess.run(command, check=True, capture_output=True, timeout=300)


def edit_in_libreoffice(folder: Path, n_lines: int) -> None:
    """Edit the plan of a folder by a macro, after a first start that writes the profile."""
    run_libreoffice(folder, "--terminate_after_init")
    basic = folder / "profile/user/basic/Standard"
    (basic / "script.xlb").write_text(LIBRARY, "utf-8")
    (basic / "Module1.xba").write_text(MACRO.replace("LINES", str(n_lines)), "utf-8")
    run_libreoffice(folder, f"macro:///Standard.Module1.EditPlan({folder})")


@pytest.mark.slow
@pytest.mark.skipif(not SCALC.exists(), reason="LibreOffice Calc edits the plan")
def test_a_plan_edited_in_libreoffice_comes_back_with_the_same_lines(tmp_path):
    """What was edited is read as it was edited, everything else as it was written."""
    run = [Path(sys.executable).with_name("sipas"), "plan", DEMO, "--out", tmp_path]
    subprocess.run(run, check=True, capture_output=True)
    survey = sipas.read_survey(sipas.read_wave(DEMO))
    before = sipas.read_plan(tmp_path / "plan.xlsx", survey).frame
    edit_in_libreoffice(tmp_path, len(before))
    for name in ("edited.xlsx", "edited.ods"):
        plan = sipas.read_plan(tmp_path / name, survey)
        after = plan.frame.set_index("id")
        new = after.loc["P99"]
        assert (new["item"], new["task"], new["unit"]) == ("A1", "Thêm ghế ngồi", "")
        assert new["baseline"] == pytest.approx(86.9718, abs=1e-4)
        wanted = before.set_index("id")
        first, second, third = wanted.index[:3]
        facts = {"owner": "Chánh Văn phòng", "due": date(2022, 3, 31), "status": "approved"}
        for column, value in {**facts, "target": 99.5, "budget": "150000000"}.items():
            wanted.loc[first, column] = value
        wanted.loc[second, "target"] = 99
        wanted.loc[third, "task"] = "@SUM(A1) <b>họp</b>"
        pd.testing.assert_frame_equal(
            after.drop(index="P99").loc[wanted.index], wanted, check_dtype=False
        )
        assert plan.sentences() == ["Columns that are not of a plan were not read: “Ý kiến”."]
