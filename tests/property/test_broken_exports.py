"""A damaged or hostile export is refused in words, whatever its kind; no cell or name is SQL."""

import gzip

import numpy as np
import pandas as pd
import pytest
from made_exports import make_dossiers, make_movements, survey_of, write_export

from sipas_analysis.errors import FileError
from sipas_analysis.records.office_records import read_records

LARGE = pd.concat([make_dossiers()] * 400).assign(MaHoSo=[f"H{n}" for n in range(9600)])
TEXT = LARGE.to_csv(index=False).encode()
HOSTILE = (
    *("'; DROP TABLE dossier_units; --", '"; DROP TABLE dossiers_0; --', "{}", "{table}", "%s"),
    *("$1", "?", "a\"b'c", "<script>alert(1)</script>", "=1+1", "\\", "row", "swallowed", "file"),
)


def _turn_bytes(content: bytes, at: int) -> bytes:
    """Return content with 200 other bytes at a place."""
    part = np.frombuffer(content[at : at + 200], np.uint8) ^ 0xA5
    return content[:at] + part.tobytes() + content[at + 200 :]


def _write_parquet(folder) -> bytes:
    """Return a Parquet file as bytes."""
    return write_export(folder / "good.parquet", LARGE).read_bytes()


DAMAGES = {
    "cut.csv.gz": (lambda folder: gzip.compress(TEXT)[:-2000], "file_broken"),
    "turned.csv.gz": (lambda folder: _turn_bytes(gzip.compress(TEXT), 500), "file_broken"),
    "page.parquet": (lambda folder: _turn_bytes(_write_parquet(folder), 30_000), "file_broken"),
    "cut.parquet": (lambda folder: _write_parquet(folder)[:30_000], "file_broken"),
    "quote.csv": (lambda folder: b'"' + TEXT.replace(b'"', b""), "open_quote"),
    "line.csv": (lambda folder: b"a" * 1_500_000, "open_quote"),
}


@pytest.mark.parametrize("name", DAMAGES)
@pytest.mark.quick_cases(2)
def test_a_broken_file_is_refused_and_named(read_answers, tmp_path, name):
    """A page of Parquet, a packed text, a quote before everything: no words of a database."""
    damage, message = DAMAGES[name]
    (tmp_path / name).write_bytes(damage(tmp_path))
    survey = survey_of(read_answers, tmp_path, dossiers=name)
    with pytest.raises(FileError) as caught:
        read_records(survey)
    assert caught.value.message_id == message
    assert name in caught.value.text("vi")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.slow
def test_a_hostile_text_is_a_text(read_answers, tmp_path, ending):
    """Headers, names, steps and reasons hold quotes, braces and SQL: each is read as it stands."""
    texts = [HOSTILE[number % len(HOSTILE)] for number in range(24)]
    rows = make_dossiers().assign(TenTTHC=texts, **dict.fromkeys(HOSTILE, "x"))
    stays = make_movements().assign(TenBuoc=texts * 3, NguoiXuLy=texts * 3)
    records = read_records(survey_of(read_answers, tmp_path, rows, stays, ending=ending))
    assert {*records.dossiers["procedure_name"]} == {*HOSTILE}
    steps = records.connection.execute("SELECT step FROM movements").fetchall()
    assert sorted(step for step, *_ in steps) == sorted(texts * 3)
    name = f"a'b [1]*{{table}}.{ending}"
    plain = write_export(tmp_path / f"plain.{ending}", rows)
    plain.rename(tmp_path / f"a'b 1x{{table}}.{ending}")  # the name as a pattern
    renamed = make_dossiers().rename(columns={"NgayTra": HOSTILE[1]})
    write_export(plain, renamed).rename(tmp_path / name)
    entry = {"file": name, "columns": {"returned": HOSTILE[1]}}
    again = read_records(survey_of(read_answers, tmp_path, dossiers=[entry]))
    assert again.dossiers["returned"].equals(records.dossiers["returned"])
