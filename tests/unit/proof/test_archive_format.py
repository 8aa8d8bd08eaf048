"""A zip in the form of this program holds its parts and no other byte."""

import zipfile
from contextlib import suppress

import pytest

from sipas_analysis.files import zip_parts
from sipas_analysis.proof.archive_format import find_foreign_bytes

PARTS = [("a.txt", b"5" * 3000), ("dir/á.csv", bytes(range(256)) * 9), ("z", b"")]
GOOD = zip_parts(PARTS)
FIRST, LIST = GOOD.index(b"dir/") - 30, GOOD.index(b"PK\1\2")


def test_an_archive_of_the_program_holds_nothing_else(tmp_path):
    """Names with and without accents, an empty part."""
    path = tmp_path / "a.zip"
    path.write_bytes(GOOD)
    assert [*find_foreign_bytes(path)] == []


@pytest.mark.parametrize(
    "content",
    [
        b"#!/bin/sh\n" + GOOD,
        GOOD + b"more",
        GOOD + GOOD,
        GOOD[:-2] + b"\4\0more",  # a comment
        GOOD[:FIRST] + b"hidden" + GOOD[FIRST:],
        GOOD[:LIST] + b"PK\3\4" + bytes(26) + GOOD[LIST:],  # an entry that the list has not
        zip_parts(PARTS[::-1]),
        GOOD.replace(b"PK\1\2\x14\3", b"PK\1\2\x14\0"),  # of another system
    ],
)
def test_any_other_byte_is_named(tmp_path, content):
    """Before, between and after the parts; another order; a comment."""
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    with suppress(zipfile.BadZipFile):  # refused before
        assert [*find_foreign_bytes(path)] != []


def test_another_compression_and_an_extra_field_are_named(tmp_path):
    """Fields may hold what nobody reads."""
    for kind, extra in ((zipfile.ZIP_STORED, b""), (zipfile.ZIP_DEFLATED, b"\x99\x99\2\0ab")):
        part = zipfile.ZipInfo("a.txt", (1980, 1, 1, 0, 0, 0))
        part.compress_type, part.extra, part.external_attr = kind, extra, 0o600 << 16
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr(part, b"5" * 300)
        assert [*find_foreign_bytes(tmp_path / "a.zip")] != []
