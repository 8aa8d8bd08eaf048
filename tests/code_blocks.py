"""The code blocks of README, CONTRIBUTING and docs, as a reader copies them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[1]
MARKDOWN = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Block:
    """One block: where it stands, what it says it is, and its text."""

    page: str
    line: int
    language: str
    text: str

    @property
    def opening(self) -> str:
        """Return the first line that says something: it names the block in a list."""
        return next((line for line in self.text.splitlines() if line.strip()), "")


def list_pages() -> list[str]:
    """Return every page of Markdown that readers are sent to, by its path."""
    paths = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [path.relative_to(ROOT).as_posix() for path in paths if "_build" not in path.parts]


def read_blocks(page: str) -> Iterator[Block]:
    """Yield the blocks of a page in order; one without fences has the language ``indented``."""
    for token in MARKDOWN.parse((ROOT / page).read_text("utf-8")):
        if token.type in ("fence", "code_block"):
            assert token.map
            language = token.info.strip() if token.type == "fence" else "indented"
            yield Block(page, token.map[0] + 1, language or "none", token.content)


BLOCKS = [block for page in list_pages() for block in read_blocks(page)]


def pick_blocks(*languages: str) -> list[Block]:
    """Return the blocks of some languages, in the order of the pages."""
    return [block for block in BLOCKS if block.language in languages]
