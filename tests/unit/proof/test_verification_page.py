"""How a verification is told: causes are counted, figures in the order of their weight."""

from sipas_analysis.proof.findings import Finding, Verification
from sipas_analysis.proof.verification_page import describe_verification

OLD, NEW = "a" * 64, "b" * 64


def describe(*findings):
    """Return grade and findings as lines."""
    return [*describe_verification(Verification(OLD, findings, True, 9, 9, 9), "en")]


def test_an_altered_input_is_one_fault_and_its_largest_consequence_is_named_first():
    """Figures that it moves are listed, the index before items and before figures of a kind."""
    grade, *lines = describe(
        Finding("input", "answers.csv", old=OLD, new=NEW),
        Finding("figure", "", "gap:A1@so-a#value", 10.5, 90.5),
        Finding("figure", "", "A1@so-a#value", 50.5, 54.5),
        Finding("figure", "", "overall@so-a#low", 40.5, 70.5),
        Finding("figure", "", "overall@so-a#value", 60.5, 61.5),
    )
    assert grade.startswith("DIFFERENT: 1 thing(s)")
    assert f"(hash {'a' * 12}…, now {'b' * 12}…)" in lines[0]
    assert [line.split()[2].partition("#")[0] for line in lines[1:]] == [
        "overall@so-a",
        "A1@so-a",
        "gap:A1@so-a",
    ]


def test_notes_of_the_same_cause_are_one_line():
    """A run for a few units names the reports that it lacks once."""
    files = [f"units/so-{letter}/report.vi.html" for letter in "abcde"]
    grade, *lines = describe(*(Finding("no_report", file) for file in files))
    assert grade.startswith("SAME.")
    assert len(lines) == 1
    assert "lacks 5 file(s)" in lines[0]
    assert files[0] in lines[0]
    assert files[4] not in lines[0]


def test_other_bytes_and_a_machine_that_cannot_are_not_verified():
    """Neither is called the same, and neither accuses anybody."""
    for kind, words in (("layout", "have other bytes"), ("unmade", "this machine cannot make")):
        grade, *_ = describe(Finding("environment", "", "python", "1", "2"), Finding(kind, "a"))
        assert grade.startswith("NOT VERIFIED")
        assert words in grade
    grade, *_ = describe(Finding("digits", "tables/scores.csv"))
    assert grade.startswith("SAME TO 1e-9")


def test_a_word_file_that_was_filled_in_has_a_way_out():
    """The officer reads what to do; nobody gives that advice for a CSV file."""
    letter = Finding("output", "units/so-a/letter.vi.docx", old=OLD, new=NEW)
    _, *lines = describe(letter, Finding("output", "tables/scores.csv", old=OLD, new=NEW))
    assert "units/so-a/letter.vi.docx" in lines[-1]
    assert "sipas run again" in lines[-1]
    assert "scores.csv" not in lines[-1]
    _, *lines = describe(Finding("output", "tables/scores.csv", old=OLD, new=NEW))
    assert len(lines) == 1
