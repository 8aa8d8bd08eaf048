"""What a receipt says of inputs and program: nothing of a single file of answers, nothing false."""

import hashlib
import json

import pytest

from sipas_analysis.collect.answer_files import hash_answers, holds_answers
from sipas_analysis.collect.survey import read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.documents.writers.html import render_page
from sipas_analysis.errors import ReceiptError
from sipas_analysis.proof.archive import write_archive
from sipas_analysis.proof.private_receipt import (
    PRIVATE_NAME,
    fill_hashes,
    hash_private_receipt,
    list_false_lines,
    make_private_receipt,
    write_private_receipt,
)
from sipas_analysis.proof.receipt import (
    hash_outputs,
    read_receipt,
    receipt_facts,
    receipt_text,
    seal_receipt,
    write_receipt,
)
from sipas_analysis.proof.receipt_page import make_receipt_page
from sipas_analysis.proof.ro_crate import make_crate
from sipas_analysis.proof.verify import verify

HEADER = "unit,A1,A2,D1,OVERALL\n"
FILES = {"so-a.csv": HEADER + "so-a,5,4,5,4\nso-a,4,2,3,4\n", "so-b.csv": HEADER + "so-b,4,4,5,5\n"}


@pytest.fixture
def run(make_wave, tmp_path):
    """A wave in which each unit sends its own file; its folder has both receipts."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
    wave = make_wave(None, responses=[{"file": name} for name in FILES])
    survey = read_survey(read_wave(wave))
    private, out = make_private_receipt(survey), tmp_path / "out"
    out.mkdir()
    facts = receipt_facts(survey) | {"private": hash_private_receipt(private), "outputs": {}}
    write_private_receipt(private, out)
    write_receipt(seal_receipt(facts), out)
    return survey, out


def remake(survey, facts):
    """No file is made again here."""
    raise ReceiptError("archive_changed", path="none", out="none")


def find_kinds(out, survey):
    """Return kind and file of what verify finds in the inputs."""
    found = verify(out, survey.wave.path, remake=remake).findings
    return {(one.kind, one.file) for one in found if one.kind in ("input", "answers", "facts")}


@pytest.mark.slow
def test_nothing_published_holds_a_hash_or_the_size_of_a_file_of_answers(run, tmp_path):
    """One hash over all of them; the private receipt has the single ones."""
    survey, out = run
    facts = read_receipt(out)
    rows = {row["file"]: row for row in facts["inputs"]}
    assert rows["responses-1.csv"] == {"file": "responses-1.csv"}
    assert rows["units.csv"]["bytes"] > 0
    page = render_page(make_receipt_page(facts, survey), "vi")
    public = [receipt_text(facts), make_crate(facts), make_crate(facts, "", {}), page]
    hashes = [hashlib.sha256(text.encode("utf-8")).hexdigest() for text in FILES.values()]
    assert [sha for sha in hashes for text in public if sha[:12] in text] == []
    assert facts["answers"] in page
    lines = "".join(f"{sha}  responses-{n}.csv\n" for n, sha in enumerate(hashes, 1))
    assert facts["answers"] == hashlib.sha256(lines.encode()).hexdigest()
    private = {row["file"]: row for row in json.loads((out / PRIVATE_NAME).read_text())["files"]}
    assert [private[f"responses-{n}.csv"]["sha256"] for n in (1, 2)] == hashes
    assert private["responses-1.csv"]["bytes"] == len(FILES["so-a.csv"])


@pytest.mark.slow
def test_an_altered_file_of_answers_is_named_by_the_private_receipt(run, tmp_path):
    """Without the private receipt: that one of them differs."""
    survey, out = run
    path = tmp_path / "so-b.csv"
    path.write_text(FILES["so-b.csv"].replace("4,4", "4,3"), "utf-8")
    assert find_kinds(out, survey) & {("input", name) for name in FILES} == {("input", path.name)}
    (out / PRIVATE_NAME).unlink()
    assert ("answers", "responses-1.csv, responses-2.csv") in find_kinds(out, survey)
    with pytest.raises(ReceiptError, match=r"so-a\.csv|so-b\.csv"):
        write_archive(out, tmp_path / "a.zip", survey.wave.path)
    path.write_text(FILES["so-b.csv"], "utf-8")
    assert find_kinds(out, survey) == set()


@pytest.mark.slow  # a run is made and proved
def test_a_receipt_with_another_hash_of_the_answers_is_not_taken(run):
    """Neither the private hashes nor those of the files agree with it."""
    survey, out = run
    facts = read_receipt(out) | {"answers": "0" * 64}
    write_receipt(seal_receipt(facts), out)
    assert {kind for kind, _ in find_kinds(out, survey)} == {"answers"}
    assert {row["sha256"] for row in fill_hashes(facts, out, {})} >= {""}


@pytest.mark.slow  # a run is made and proved
def test_what_a_receipt_says_of_its_inputs_must_be_what_they_give(run):
    """Sealed again, with the same files: also a receipt of a former format by this version."""
    survey, out = run
    facts = read_receipt(out)
    rows = facts["inputs"]
    edits = [
        ({}, []),
        ({"private": ""}, ["private"]),
        ({"private": "0" * 64, "answers": "0" * 64}, ["answers", "private"]),
        ({"format": "sipas-receipt/3"}, ["format"]),
        ({"inputs": [*rows[:3], rows[3] | {"file": "nguyen-van-a.csv"}, *rows[4:]]}, ["inputs.3"]),
        ({"inputs": [*rows[:-1], rows[-1] | {"bytes": 1}]}, [f"inputs.{len(rows) - 1}"]),
        ({"inputs": [*rows, {"file": "again.csv"}]}, [f"inputs.{len(rows)}"]),
    ]
    for edit, lines in edits:
        assert [name for name, _, _ in list_false_lines(facts | edit, survey)] == lines, edit


def test_a_link_out_of_the_folder_and_a_half_file_are_no_files_of_a_run(tmp_path):
    """What a link leads to may change later; whatever else lies there is said."""
    out = tmp_path / "out"
    (out / "units").mkdir(parents=True)
    for path in (tmp_path / "elsewhere.html", out / "index.html", out / "units/.aside-a.html"):
        path.write_text("text", "utf-8")
    (out / "link.html").symlink_to(out / "index.html")
    (out / "units/report.html").symlink_to(tmp_path / "elsewhere.html")
    assert [*hash_outputs(out)] == ["index.html", "link.html", "units/.aside-a.html"]


@pytest.mark.slow  # a run is made and proved
def test_a_receipt_of_another_shape_is_refused(run):
    """A program is named by a version, no sentence and no markup; an input by its content."""
    _, out = run
    facts = read_receipt(out)
    rows = [{"file": "units.csv"}, {"file": "responses-1.csv", "bytes": 9}]
    for row in rows:  # only a file that holds answers has no hash, and then no size
        write_receipt(seal_receipt(facts | {"inputs": [row]}), out)
        with pytest.raises(ReceiptError, match="no hash or no size"):
            read_receipt(out)
    texts = {"version": "0.13.0 – approved", "python": "", "machine": "<b>", "commit": "a b"}
    for name, text in texts.items():
        write_receipt(seal_receipt(facts | {"program": facts["program"] | {name: text}}), out)
        with pytest.raises(ReceiptError, match=name):
            read_receipt(out)


@pytest.mark.parametrize("name", ["responses-1-2.xlsx", "keyed_twice-1.csv", "form-1"])
def test_whatever_is_not_known_to_hold_no_answers_counts_as_answers(name):
    """Also of earlier waves."""
    assert holds_answers(name)
    assert holds_answers(f"earlier-2/{name}")
    assert hash_answers([(name, "ab")]) != hash_answers([(name, "ac")])


@pytest.mark.parametrize("name", ["wave.yaml", "units.csv", "pack.yaml", "plan", "calendar-1.csv"])
def test_inputs_without_answers_keep_their_hash(name):
    """They are public, or hold nothing of a person."""
    assert not holds_answers(name)
    assert not holds_answers(f"earlier-1/{name}")


@pytest.mark.slow  # a run is made and proved
def test_a_plan_made_after_the_run_is_told_as_such(run):
    """Not as a file with another hash: the run read none."""
    survey, out = run
    line = f"P01,*,A1,Kê thêm ghế,,,,survey,100,approved,,,,{survey.wave.id}"
    head = "id,unit,item,task,owner,due,budget,indicator,target,status,note,remark,measure,wave"
    (survey.wave.path.parent / "plan.csv").write_text(f"{head}\n{line}\n", "utf-8")
    found = verify(out, survey.wave.path, remake=remake).findings
    kinds = {finding.kind for finding in found if finding.file == "plan.csv"}
    assert kinds == {"plan_after"}
