"""A real browser for tests: a headless Chromium, spoken to through its DevTools protocol."""

import contextlib
import json
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
import websocket

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
AXE = Path(__file__).with_name("axe-core") / "axe.min.js"  # 4.14.1 of npm, MPL-2.0
NEEDED = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
PATIENCE = 300  # seconds until what hangs is given up; never how fast something must be
KEYS = {"Enter": ("\r", 13), "Tab": ("", 9), " ": (" ", 32), "ArrowRight": ("", 39)}


def axe(tab):
    """Return the rules of axe-core, with sizes of targets, that the open page breaks; how often."""
    tab.run(AXE.read_text("utf-8") + "; 0")
    n_passed, broken = tab.run(
        "axe.run({rules: {'target-size': {enabled: true}}})"
        ".then(r => [r.passes.length, r.violations.map(v => [v.id, v.nodes.length])])"
    )
    assert n_passed > 20
    return broken


class Browser:
    """One tab of a headless Chromium, spoken to through the DevTools protocol."""

    def __init__(self, profile):
        words = (
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--proxy-server=127.0.0.1:9",
            f"--user-data-dir={profile}",
            "--remote-debugging-port=0",
            "about:blank",
        )
        self.process = subprocess.Popen(
            [CHROMIUM, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.said, self.sent = [], 0
        self.socket = websocket.create_connection(
            self._tab(profile / "DevToolsActivePort"), suppress_origin=True, timeout=PATIENCE
        )
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def _tab(self, file):
        for _ in range(10 * PATIENCE):
            with contextlib.suppress(OSError, IndexError, StopIteration):
                port = file.read_text().split()[0]
                opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
                with opener.open(f"http://127.0.0.1:{port}/json/list") as answer:
                    tabs = json.loads(answer.read())
                return next(tab for tab in tabs if tab["type"] == "page")["webSocketDebuggerUrl"]
            time.sleep(0.1)
        raise AssertionError(f"Chromium did not open its port in {PATIENCE} s")

    def call(self, method, **parameters):
        """Send a command and return its result; what happens meanwhile is kept in ``said``."""
        self.sent += 1
        self.socket.send(json.dumps({"id": self.sent, "method": method, "params": parameters}))
        while True:
            got = json.loads(self.socket.recv())
            if got.get("id") == self.sent:
                assert "error" not in got, got
                return got["result"]
            self.said.append(got)

    def open(self, path, width=1280):
        """Open a file; wait until it is there."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=False,
        )
        self.said.clear()
        self.call("Page.navigate", url=path.as_uri())
        for _ in range(20 * PATIENCE):
            if self.run("document.readyState") == "complete" and self.run("location.href") != (
                "about:blank"
            ):
                return
            time.sleep(0.05)
        raise AssertionError(f"{path} did not open in {PATIENCE} s")

    def run(self, script):
        """Run an expression in the page; return its value."""
        got = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in got, got
        return got["result"].get("value")

    def press(self, key):
        """Press and release a key, as a person does."""
        text, code = KEYS[key]
        event = {"key": key, "windowsVirtualKeyCode": code, "text": text}
        self.call("Input.dispatchKeyEvent", type="keyDown", **event)
        self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def type(self, text):
        """Type text where the focus is, as a keyboard for Vietnamese does."""
        self.call("Input.insertText", text=text)

    def close(self):
        """Close what was started here, and wait until it is gone."""
        with contextlib.suppress(OSError, websocket.WebSocketException, AssertionError):
            self.call("Browser.close")
        self.socket.close()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
