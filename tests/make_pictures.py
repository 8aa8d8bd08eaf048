"""Make the pictures of ``docs/gallery.md`` from its blocks: ``make pictures``.

Each block of Python that stands before a picture draws it. With each picture goes what it shows
(numbers and texts), so that a test finds a picture that is out of date; bytes may differ with the
release of Matplotlib.
"""

import hashlib
import re
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "gallery.md"
PART = re.compile(r"```python\n(?P<code>.*?)```|!\[[^\]]*\]\((?P<picture>[^)]+)\)", re.DOTALL)
KEY = b"Description"  # of the text in a PNG that says what the picture shows
DPI, DIGITS = 100, 8


def run_gallery() -> Iterator[tuple[Path, Figure]]:
    """Run the blocks of the page in one namespace; yield each picture with its file."""
    mpl.use("agg")
    names: dict[str, Any] = {}
    for part in PART.finditer(PAGE.read_text("utf-8")):
        if part["code"]:
            plt.close("all")
            exec(compile(part["code"], str(PAGE), "exec"), names)
        else:
            yield PAGE.parent / part["picture"], plt.gcf()


def describe(figure: Figure) -> str:
    """Return a hash of all that a picture shows: numbers of lines and boxes, and texts."""
    shown = []
    for ax in figure.axes:
        for line in ax.lines:
            points = [*line.get_xdata(), *line.get_ydata()]
            shown.append(" ".join(f"{float(value):.{DIGITS}g}" for value in points))
        for box in ax.patches:
            if isinstance(box, Rectangle):
                sides = (*box.get_xy(), box.get_width(), box.get_height())
                shown.append(" ".join(f"{float(side):.{DIGITS}g}" for side in sides))
        labels = [*ax.get_yticklabels(), ax.xaxis.label, ax.yaxis.label, ax.title, *ax.texts]
        shown += [" ".join(label.get_text().split()) for label in labels]
    return hashlib.sha256("\n".join(shown).encode()).hexdigest()


def read_description(picture: Path) -> str:
    """Return the description in a PNG; empty without one."""
    content, at = picture.read_bytes(), 8
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        kind, data = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        if kind in (b"tEXt", b"iTXt") and data.startswith(KEY + b"\0"):
            return data.rpartition(b"\0")[2].decode()
        if kind == b"zTXt" and data.startswith(KEY + b"\0"):
            return zlib.decompress(data[len(KEY) + 2 :]).decode()
        at += 12 + length
    return ""


def main() -> None:
    """Write every picture of the page."""
    for path, figure in run_gallery():
        metadata = {KEY.decode(): describe(figure), "Software": ""}
        figure.savefig(path, dpi=DPI, metadata=metadata)
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
