"""wave.yaml and pack.yaml as Notepad may save them: UTF-16 is read, an old code is refused."""

import codecs
import unicodedata

import pytest
from conftest import PACK

from sipas_analysis.collect.wave import read_wave
from sipas_analysis.errors import FileError
from sipas_analysis.instrument.pack import read_instrument

WIDE = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
TEXTS = {
    "pack.yaml": PACK.replace("\n", "\n# Bộ câu hỏi của Sở Y tế\n", 1),
    "wave.yaml": (
        "id: dot-1\ntitle: {vi: Chỉ số hài lòng, en: Index}\nyear: 2024\n"
        "instrument: qd-2640-2017\nresponses: [{file: a.csv}]\n"
    ),
}
READERS = {"pack.yaml": read_instrument, "wave.yaml": read_wave}


@pytest.mark.parametrize("code", WIDE)
@pytest.mark.parametrize("name", TEXTS)
def test_utf_16_is_read_as_utf_8_is(tmp_path, name, code):
    """With the line ends of Windows, too."""
    path = tmp_path / name
    path.write_text(TEXTS[name], "utf-8")
    before = READERS[name](path)
    path.write_bytes(WIDE[code] + TEXTS[name].replace("\n", "\r\n").encode(code))
    after = READERS[name](path)
    assert (after.id, after.title) == (before.id, before.title)
    assert name == "pack.yaml" or after.title.vi == "Chỉ số hài lòng"


@pytest.mark.parametrize("code", ["cp1258", "utf-16-le"])
@pytest.mark.parametrize("name", TEXTS)
def test_another_code_is_refused_with_the_name_of_the_file(tmp_path, name, code):
    """Nothing is guessed; the cure is that of Notepad, and no path of the program is shown."""
    path = tmp_path / name
    letters = unicodedata.normalize("NFC", TEXTS[name]).replace("ỉ", "ê").replace("ố", "ô")
    path.write_bytes(letters.encode(code, "ignore"))
    with pytest.raises(FileError) as caught:
        READERS[name](path)
    assert caught.value.text("vi").startswith(f"Tệp {name} phải lưu bằng mã UTF-8")
    assert "/" not in caught.value.text("en")
