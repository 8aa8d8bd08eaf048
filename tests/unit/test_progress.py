"""Progress is shown where somebody looks, only if it takes long, and leaves nothing behind."""

import io
import sys
from types import SimpleNamespace

import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis import progress
from sipas_analysis.progress import watch


class Terminal(io.StringIO):
    """Standard error that is a terminal."""

    def isatty(self):
        return True


class ZMQInteractiveShell:
    """The shell of a kernel."""


@pytest.fixture
def displays(monkeypatch):
    """What is shown, in a display that writes it down; the first second is over."""
    shown = []

    class Written:
        def __init__(self, total):
            shown.append(f"of {total}")

        def show(self, done):
            shown.append(done)

        def close(self):
            shown.append("closed")

    monkeypatch.setattr(progress, "WAIT", 0.0)
    monkeypatch.setattr(progress, "PAUSE", 0.0)
    monkeypatch.setattr(progress, "_find_display", lambda: Written)
    return shown


def test_parts_are_counted_and_the_display_is_closed(displays):
    """Also where a part fails."""
    assert list(watch("ab")) == ["a", "b"]
    assert displays == ["of 2", 1, 2, "closed"]
    with pytest.raises(ZeroDivisionError):
        [1 / part for part in watch([1, 0])]
    assert displays[4:] == ["of 2", 1, "closed"]


def test_only_the_outermost_computation_is_shown(displays):
    """One bar, not one for each step of a step."""
    for _ in watch("ab"):
        list(watch("cde"))
    assert displays == ["of 2", 1, 2, "closed"]
    for _ in watch("x"):  # of one part only what is inside tells how far it is
        list(watch("cd"))
    assert displays[4:] == ["of 2", 1, 2, "closed"]


def test_what_is_done_in_a_second_shows_nothing(displays, monkeypatch):
    """No bar flashes."""
    monkeypatch.setattr(progress, "WAIT", float("inf"))
    assert list(watch("ab")) == ["a", "b"]
    assert displays == []


def test_a_terminal_has_a_bar_and_a_file_has_none(monkeypatch):
    """What is written into a log is not a bar."""
    monkeypatch.setattr(progress, "WAIT", 0.0)
    monkeypatch.setattr(progress, "PAUSE", 0.0)
    monkeypatch.setattr(sys, "stderr", Terminal())
    list(watch("ab"))
    assert "100%" in sys.stderr.getvalue()
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    list(watch("ab"))
    assert sys.stderr.getvalue() == ""


def test_a_notebook_has_a_line_and_a_run_has_none(monkeypatch):
    """The kernels of ``sipas run --engine kernel`` are looked at by nobody."""
    sent = []
    monkeypatch.setattr(progress, "WAIT", 0.0)
    monkeypatch.setattr(progress, "PAUSE", 0.0)
    monkeypatch.setattr(progress, "_IS_QUIET", [])
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    shell = SimpleNamespace(get_ipython=ZMQInteractiveShell)
    monkeypatch.setitem(sys.modules, "IPython", shell)
    handle = SimpleNamespace(
        display=lambda data, raw: sent.append(data), update=lambda data, raw: sent.append(data)
    )
    made = SimpleNamespace(DisplayHandle=lambda: handle)
    monkeypatch.setitem(sys.modules, "IPython.display", made)
    list(watch("ab"))
    assert [data["text/plain"] for data in sent] == ["", "50 %", "100 %", ""]
    assert sent[-1]["text/html"] == ""
    progress.show_nothing()
    list(watch("ab"))
    assert len(sent) == 4


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize("name", ["markdown", "latex", "excel", "word"])
def test_exports_of_long_tables_show_their_rows(displays, name, tmp_path):
    """Each format counts the rows that it writes."""
    frame = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0, 5.0], "x": [1.0, 2.0, 3.0, 5.0, 4.0]})
    predictions = sipas.fit(sipas.Design(frame), "y ~ x").predict()
    displays.clear()
    getattr(predictions, f"to_{name}")(tmp_path / "file")
    assert "of 5" in displays
    assert displays[-1] == "closed"
