"""The documentation site: ``make docs`` writes it to docs/_build, offline, strict.

The pages are Markdown that reads well without the site; the reference comes from the docstrings.
Why Sphinx, MyST and Furo: docs/decisions/0020-the-desk.md.
"""

import inspect
import sys
from pathlib import Path

from pygments.lexers.special import TextLexer

from sipas_analysis import __version__

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "sipas_analysis"
author = "The sipas_analysis authors"
project_copyright = author  # no year: the same input gives the same bytes
release = __version__
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "drawn_formulas"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "_extensions"]
highlight_language = "none"  # a block says what it holds; output and files are left plain

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3  # page.md#a-heading, as GitHub has it

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # Args says it in words; what is returned stands in the signature
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_custom_sections = [("Source", "notes_style")]
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
add_module_names = False

html_theme = "furo"
html_title = f"sipas_analysis {release}"
html_math_renderer = "drawn"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}

BUILT_BY_HAND = ("Design", "Replicates")  # all other classes are results


def shorten_signature(*event):
    """Print no arguments of a class that nobody builds by hand, and the class that is returned."""
    _, what, name, obj, _, signature, annotation = event
    if what == "class":
        return (signature if name.rpartition(".")[2] in BUILT_BY_HAND else "", None)
    if what in ("function", "method"):
        returned = inspect.signature(obj).return_annotation
        if inspect.isclass(returned) and returned.__module__.startswith("sipas_analysis"):
            return signature, f"{returned.__module__}.{returned.__qualname__}"
    return signature, annotation


def setup(app):
    """Register what this site does otherwise."""
    app.connect("autodoc-process-signature", shorten_signature)
    app.add_lexer("csv", TextLexer)
