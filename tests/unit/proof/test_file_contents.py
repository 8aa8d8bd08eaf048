"""What a file shows and what it hides is read piece by piece."""

import zipfile

import pytest

from sipas_analysis.proof.differences import explain_difference
from sipas_analysis.proof.file_contents import read_pieces

PAGE = """<!DOCTYPE html><html lang="en"><head><style>td{color:red}</style></head><body>
<h1>Kết quả</h1><p>Đạt <span data-figure="A1#value">81.3</span>%</p>
<a href="a.html">xem</a><img alt="Biểu đồ" src="data:image/svg+xml,%3Ctext%3E81%3C/text%3E">
</body></html>"""
FIGURES = {"A1": {"id": "A1", "value": 81.3}}


def test_a_page_has_text_links_and_styles(tmp_path):
    """Text of pictures is text; letters that nobody sees are listed by their code."""
    path = tmp_path / "page.en.html"
    path.write_text(PAGE.replace("Đạt", "Đạt\N{RIGHT-TO-LEFT OVERRIDE}"), "utf-8")
    pieces = read_pieces(path)
    assert {"Kết quả", "81.3", "81", '<img alt="Biểu đồ">'} <= {*pieces["text"]}
    assert pieces["link"] == ['<a href="a.html">']
    assert pieces["style"] == ["td{color:red}"]
    assert pieces["letter"] == ["U+202E"]
    assert pieces["hidden"] == pieces["script"] == []


@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        ("81.3<", "91.3<", ["printed"]),
        ("Kết quả", "Kết quả tốt", ["text"]),
        ("a.html", "b.html", ["link"]),
        ("</body>", "<!-- x --></body>", ["hidden"]),
        ("</body>", "<script>x()</script></body>", ["script"]),
        ("color:red", "display:none", ["style"]),
        ("<h1>", "<h1 class='x'>", ["layout"]),
        ("sipas 0.1", "sipas 0.2", ["layout"]),
    ],
)
def test_the_first_difference_of_each_kind_is_named(tmp_path, old, new, kinds):
    """Words that only name the version are no difference."""
    page = PAGE.replace("</body>", "<p>sipas 0.1</p></body>")
    paths = [tmp_path / name / "page.en.html" for name in ("now", "again")]
    for path, text in zip(paths, (page.replace(old, new), page), strict=True):
        path.parent.mkdir()
        path.write_text(text, "utf-8")
    found = explain_difference(*paths, "page.en.html", FIGURES, ("0.2", "0.1"))
    assert [finding.kind for finding in found] == kinds


def test_an_office_file_has_parts_hidden_text_and_cells(tmp_path):
    """A paragraph is read as it is shown; what is not shown stands apart."""
    path = tmp_path / "a.docx"
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    runs = "<w:r><w:t>Đạt</w:t></w:r><w:r><w:rPr><w:vanish/></w:rPr><w:t>ẩn</w:t></w:r>"
    body = f"<w:document {space}><w:body><w:p>{runs}</w:p></w:body></w:document>"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", body)
    pieces = read_pieces(path)
    assert pieces["part"] == ["word/document.xml"]
    assert (pieces["text"], pieces["hidden"]) == (["Đạt"], ["ẩn"])
    path.write_bytes(b"PK")
    with pytest.raises(ValueError, match="BadZipFile"):
        read_pieces(path)
