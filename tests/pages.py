"""Read a page as a browser does not: every element, closed in order."""

from html.parser import HTMLParser

VOID = {"meta", "img", "br", "link", "input", "source"}
SHAPES = {"path", "circle"}


class Page(HTMLParser):
    """Collect the elements of a page, and check that they are closed in order."""

    def __init__(self, text):
        super().__init__()
        self.text, self.found, self.open = text, [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        self.open += [] if tag in VOID else [tag]

    def handle_startendtag(self, tag, attrs):
        assert tag in SHAPES | VOID
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, tag, **asked):
        return [
            attrs for name, attrs in self.found if name == tag and asked.items() <= attrs.items()
        ]
