"""Put a section into docs/coverage.md: for the scripts here that count how often intervals hold."""

from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs/coverage.md"


def write_section(mark, section):
    """Put a section below its heading, in the place of the old one or before those on forms."""
    before, _, old = PAGE.read_text("utf-8").partition(mark)
    if not old:
        before, heading, rest = before.partition("\n## How often a check of the forms")
        old = heading + rest
    PAGE.write_text(before + mark + section + old[old.index("\n## ") :], "utf-8")
