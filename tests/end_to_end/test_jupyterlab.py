"""Every notebook in JupyterLab, in a real browser, light and dark; the page that leads an officer.

One server and one browser for all. What JupyterLab shows is read from its own model of a notebook;
whether it can be read is measured: the contrast of every text against what lies behind it.
"""

import json
import os
import random
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path

import pandas as pd
import pytest
import warm_process
from browser import NEEDED, PATIENCE
from conftest import write_book

from sipas_analysis.instrument.pack import read_instrument

pytestmark = NEEDED
ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}
OPEN = """async path => {
    const widget = await window.jupyterapp.commands.execute('docmanager:open', {path});
    await widget.context.ready;
    await widget.sessionContext.ready;
}"""
RUN = "() => window.jupyterapp.commands.execute('notebook:run-all-cells')"
OUTPUTS = """() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells
    .filter(cell => cell.cell_type === 'code').map(cell => [cell.execution_count, cell.outputs])"""
CLOSE = """async () => {
    const widget = window.jupyterapp.shell.currentWidget;
    await widget.context.save();
    await widget.sessionContext.shutdown();
    widget.dispose();
}"""
TO_THE_TOP = """async () => {
    for (const part of document.querySelectorAll('.jp-WindowedPanel-outer')) part.scrollTop = 0;
    for (const _ of [1, 2]) await new Promise(requestAnimationFrame);
}"""
# Of each text of ours: its contrast with the nearest background behind it, by WCAG 2.
CONTRASTS = """() => {
    const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
        .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
    const behind = node => {
        for (; node; node = node.parentElement) {
            const colour = parse(getComputedStyle(node).backgroundColor);
            if (colour.length === 3 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    const nodes = document.querySelectorAll('.sipas-chapter *, .sipas-view *');
    const texts = [...nodes].filter(node => node.tagName !== 'STYLE' && node.checkVisibility()
        && [...node.childNodes].some(part => part.nodeType === 3 && part.textContent.trim()));
    return texts.map(node => {
        const pair = [light(parse(getComputedStyle(node).color)), light(behind(node))];
        return [(Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05), node.textContent];
    });
}"""
# Tables of ours that are wider than their output and cannot be scrolled.
CUT = """() => [...document.querySelectorAll('.sipas-chapter table, .sipas-view table')]
    .filter(table => table.checkVisibility()).filter(table => {
        const output = table.closest('.jp-OutputArea-output');
        for (let node = table; node && node !== output; node = node.parentElement)
            if (['auto', 'scroll'].includes(getComputedStyle(node).overflowX)) return false;
        return output && getComputedStyle(output).overflowX === 'hidden'
            && table.scrollWidth > output.clientWidth + 1;
    }).map(table => table.textContent.slice(0, 40))"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working folder as ``sipas lab`` makes it: the notebooks, and the demo under ``data``."""
    place = tmp_path_factory.mktemp("lab")
    for name in NOTEBOOKS:
        shutil.copy(ROOT / "notebooks" / name, place / name)
    (place / "data").symlink_to(ROOT / "data")
    return place


@pytest.fixture(scope="module")
def address(folder, tmp_path_factory):
    """The address of a JupyterLab in that folder, which ends with the tests."""
    home = tmp_path_factory.mktemp("home")
    for name, content in SETTINGS.items():
        path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), "utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyterlab", str(folder), "--no-browser", "--allow-root"]
    command += [
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--ServerApp.ip=127.0.0.1",
    ]
    command += ["--LabApp.expose_app_in_browser=True", "--log-level=ERROR"]
    command += [f"--IdentityProvider.token={token}"]
    places = {name: str(home) for name in ("HOME", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR")}
    places |= {"JUPYTER_RUNTIME_DIR": str(home), "JUPYTERLAB_SETTINGS_DIR": str(home / "settings")}
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    places |= {"JUPYTERLAB_WORKSPACES_DIR": str(home), "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    server = subprocess.Popen(
        command, env=os.environ | places, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    base = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{base}/api?token={token}")
        yield f"{base}/lab?token={token}&reset"
    finally:
        server.terminate()
        server.wait(PATIENCE)


def _wait_for(address):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(10 * PATIENCE):
        try:
            with opener.open(address):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"JupyterLab did not answer in {PATIENCE} s")


@pytest.fixture(scope="module")
def page(address):
    """One tab with JupyterLab; nothing but this machine is reached."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("chromium-browser"),
            args=["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
        )
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        tab.set_default_timeout(60_000)
        tab.goto(address)
        tab.wait_for_selector(".jp-Launcher")
        yield tab
        browser.close()


def look(page, theme, path):
    """Change the theme; where somebody asks, take a picture of the whole notebook."""
    page.evaluate(
        "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})",
        THEMES[theme],
    )
    page.wait_for_selector(
        f"body[data-jp-theme-light={str(theme == 'light').lower()}]", state="attached"
    )
    if "SIPAS_PICTURES" not in os.environ:  # for people: no test reads them, and they cost the most
        return
    height = page.evaluate(
        "() => Math.max(...[...document.querySelectorAll('.jp-WindowedPanel-outer')]"
        ".filter(part => part.checkVisibility()).map(part => part.scrollHeight))"
    )
    page.set_viewport_size({"width": 1280, "height": min(int(height) + 200, 16_000)})
    page.evaluate(TO_THE_TOP)
    page.screenshot(path=path)
    page.set_viewport_size({"width": 1280, "height": 900})


SHOWN = {  # what a notebook shows of the demo, without parameters, and how often
    "province_report.ipynb": {
        "an-giang-2021: 870 forms of 874 read, 29 units": 1,
        "<section": 10,  # nine chapters, and the first of the annexes
    },
    # traced to rows of the input, and counted by hand: 612 of 647
    "audit.ipynb": {"612 647 94.59": 1, "responses.csv: 32–61": 1},
}


def join_texts(outputs):
    """Return what outputs print and show, as one text."""
    texts = []
    for output in outputs:
        for part in (output.get("text", ""), output.get("data", {}).get("text/html", "")):
            texts += [part] if isinstance(part, str) else part
    return "".join(texts)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_and_can_be_read_in_both_themes(page, folder, name, tmp_path):
    """All cells to the end, no error, no warning; every text of ours has a contrast of 4.5.

    Nothing is written beside it, and it shows the figures of the demo.
    """
    before = {path.name for path in folder.iterdir()}
    page.evaluate(OPEN, name)
    page.evaluate(RUN)
    cells = page.evaluate(OUTPUTS)
    outputs = [output for _, outputs in cells for output in outputs]
    assert all(count for count, _ in cells)
    assert [output["evalue"] for output in outputs if output["output_type"] == "error"] == []
    assert [output["text"] for output in outputs if output.get("name") == "stderr"] == []
    text = join_texts(outputs)
    assert {part: text.count(part) for part in SHOWN.get(name, {})} == SHOWN.get(name, {})
    for theme in THEMES:
        look(page, theme, tmp_path / f"{Path(name).stem}.{theme}.png")
        faint = [text for contrast, text in page.evaluate(CONTRASTS) if contrast < 4.5]
        assert faint == []
        assert page.evaluate(CUT) == []
    page.evaluate(CLOSE)
    made = {path.name for path in folder.iterdir()} - before
    assert made <= {".ipynb_checkpoints"}


PACK = read_instrument("qd-2640-2017")
HOSTILE = "Trung tâm <img src=x onerror=alert(1)>"
UNITS = ["Sở Nội vụ", "Huyện Tri Tôn", HOSTILE]


@pytest.fixture(scope="module")
def office(folder):
    """A workbook of an office beside the notebooks: titles, wordings, one question in own words."""
    wordings = [item.vi for item in PACK.items.values()]
    wordings[-1] = "Câu cuối của phiếu"
    rows = [
        [k + 1, UNITS[k % 3], "Nguyễn Văn A", "x", *_answer(k), 4 if k % 4 else 3]
        for k in range(120)
    ]
    head = ["STT", "Tên đơn vị", "Họ và tên", "Ý kiến", *wordings, "Đánh giá chung"]
    book = folder / "phiếu 2024.xlsx"
    return write_book(book, Sheet1=[["UBND TỈNH AN GIANG"], ["KHẢO SÁT"], [], head, *rows])


def _answer(k):
    """Return the answers of one form; no two forms are alike."""
    return random.Random(k).choices((5, 4, "Hài lòng", "Tạm được", 2), (3, 4, 2, 1, 1), k=22)


def read_word(path):
    """Return the texts of a Word file."""
    with zipfile.ZipFile(path) as parts:
        return re.sub("<[^>]*>", "", parts.read("word/document.xml").decode("utf-8"))


def choose(page, label, option):
    """Choose an option of the drop-down list beside a label, as a person does."""
    box = page.locator(".widget-dropdown", has=page.get_by_text(label, exact=True))
    box.locator("select").select_option(label=option)


def test_an_officer_gets_from_an_excel_file_to_the_report_by_clicking(page, office, tmp_path):
    """Files, columns, check, reports: the index of the opened page is that of ``sipas score``."""
    wave = office.parent / "khao-sat"
    page.evaluate(OPEN, "start.ipynb")
    page.evaluate(RUN)
    page.locator("select[multiple]").select_option(label=office.name)
    page.locator(".sipas-files-look").click()
    page.get_by_text("mục “Cột chưa nhận ra”: Ý kiến; Câu cuối của phiếu").wait_for()
    assert not wave.exists()
    choose(page, f"E4. {PACK.items['E4'].vi}", "Câu cuối của phiếu")
    choose(page, "Tạm được", "3")
    choose(page, HOSTILE, "Sở, ban, ngành")
    page.locator(".sipas-fact-title input").fill("Khảo sát <b>thử</b>")
    page.locator(".sipas-fact-title input").press("Tab")
    page.get_by_text("Không đọc những cột còn lại", exact=True).click()
    page.locator(".sipas-columns-write").click()
    page.get_by_text("Đã ghi khao-sat/wave.yaml").wait_for()
    page.locator(".sipas-check-check").click()
    page.locator(".sipas-reports-run:disabled", has_text="Đang kiểm tra…").wait_for()
    page.get_by_text("Phiếu đọc được").wait_for()
    page.locator(".sipas-reports-run").click()
    page.get_by_text("Đang tính số liệu chung của 4 báo cáo").wait_for()
    bar = page.locator(".sipas-bar .progress-bar").bounding_box()
    assert (bar["height"] > 10, bar["width"] > 50) == (True, True)  # before the first report
    report = page.frame_locator("iframe[title='Trang chung của các báo cáo']")
    shown = report.locator("#whole tbody tr").first.locator(".index").inner_text()
    with page.expect_download() as letter:
        page.get_by_text("Công văn", exact=True).first.click()
    assert letter.value.suggested_filename == "cong-van-so-noi-vu.docx"
    letter.value.save_as(tmp_path / "letter.docx")
    assert not page.locator(".sipas-bar").is_visible()  # nothing moves any more
    with page.expect_download() as letters:
        page.get_by_text("Tải tất cả công văn và báo cáo").click()
    letters.value.save_as(tmp_path / "letters.zip")
    with zipfile.ZipFile(tmp_path / "letters.zip") as parts:
        assert parts.read("cong-van-so-noi-vu.docx") == (tmp_path / "letter.docx").read_bytes()
        assert len(parts.namelist()) == 2 * len(UNITS) + 2
    assert "Sở Nội vụ" in read_word(tmp_path / "letter.docx")
    for theme in THEMES:
        look(page, theme, tmp_path / f"start.{theme}.png")
    assert page.locator("img[src=x]").count() == 0
    assert report.locator("h1").first.inner_text() == "Khảo sát <b>thử</b>"
    warm_process.run("score", wave, "--out", tmp_path)
    scores = pd.read_csv(tmp_path / "tables" / "scores.csv", dtype=str)
    whole = scores[(scores["variable"] == "overall") & (scores["domain"] == "all")]
    assert shown == whole["printed"].iloc[0].replace(".", ",")
    page.evaluate(CLOSE)
