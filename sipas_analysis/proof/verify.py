"""Check a run against its inputs: every figure is computed and every file is made again.

A receipt alone proves nothing to somebody who can write a new one. So figures and files are always
made again from the inputs, never read from a file of the run, and each difference is named: file,
figure, old and new value. Without the inputs only a part is checked, and under other libraries a
file may have other bytes: then the grade is ``partly`` at best. How files are made is the caller's
function, so that a check imports no writer.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import zip_longest
from math import isclose
from pathlib import Path

from sipas_analysis.collect.answer_files import hash_answers, holds_answers
from sipas_analysis.collect.survey import Survey, read_survey
from sipas_analysis.collect.wave import PLAN_FILES, read_wave
from sipas_analysis.errors import SipasError
from sipas_analysis.figures.published import figures_of
from sipas_analysis.files import hash_if_there, is_inside
from sipas_analysis.messages import LANGUAGES
from sipas_analysis.proof.differences import (
    CLOSE,
    NO_WORDS,
    explain_difference,
    find_wrong_numbers,
)
from sipas_analysis.proof.findings import Finding, Verification
from sipas_analysis.proof.private_receipt import fill_hashes, list_false_lines, locate_changes
from sipas_analysis.proof.program import (
    HOME,
    Facts,
    describe_program,
    hash_program,
    notebooks_folder,
    source_files,
)
from sipas_analysis.proof.read_back import read_printed
from sipas_analysis.proof.receipt import (
    PRIVATE_NAME,
    RECEIPT_NAME,
    compute_facts,
    find_wave,
    hash_outputs,
    is_untouched,
    read_receipt,
    relative_path,
    round_figures,
    seal_receipt,
)
from sipas_analysis.proof.ro_crate import CRATE, make_crate
from sipas_analysis.reports.file_names import FORMATS, name_report_files

Remake = Callable[[Survey, Facts], AbstractContextManager[Path]]
BUILD = ("lock", "project", "licence")  # how a program is built; no byte of a file depends on it


def verify(
    out: Path,
    wave: Path | None = None,
    *,
    remake: Remake,
    public: bool = False,
    within: Path | None = None,
) -> Verification:
    """Check an output folder against its receipt and its inputs.

    Args:
        out: Output folder of a wave.
        wave: ``wave.yaml`` or its folder; the path that the run noted if left out.
        remake: Makes the files of a receipt again from a survey; yields their folder
            (``runs.remake.remake``). Called only if the inputs are those of the receipt.
        public: Whether files may be left out, as a public archive does.
        within: The folder of an archive: no input is read from elsewhere.

    Returns:
        The grade, with every finding.

    Raises:
        ReceiptError: There is no receipt, or this version cannot read it.
    """
    facts, path = read_receipt(out), wave or (None if within else find_wave(out))
    environment = [*_compare_environment(facts)]
    survey, problems = _read_survey_again(facts, out, path, within)
    findings = [
        *_check_seal(facts, out),
        *_compare_files(out, facts["outputs"], "left_out" if public else "missing"),
        *problems,
        *(_locate_changes(out, facts, path, within) if path else ()),
    ]
    rows, n_printed = facts["figures"], 0
    if survey is None:
        findings += _check_divisions(rows)
    else:
        findings += _compare_computed(facts, survey, has_same_inputs=not problems)
    if survey is not None and not problems:
        rows = round_figures(figures_of(survey).by_id)  # with the pairs
    figures = {str(row.get("id")): row for row in rows}
    if survey is None or problems:
        n_printed, wrong = _compare_printed(out, facts["outputs"], figures, is_whole=False)
        findings += wrong
    else:
        try:
            with remake(survey, facts) as made:
                is_alike = _is_alike(environment)
                findings += _compare_remade(out, facts, made, figures, is_alike=is_alike)
        except (SipasError, OSError) as error:  # what this machine cannot do is no fault of a run
            findings.append(Finding("unmade", RECEIPT_NAME, new=error))
            n_printed, wrong = _compare_printed(out, facts["outputs"], figures, is_whole=True)
            findings += wrong
    n_here = sum((out / name).is_file() for name in facts["outputs"])
    return Verification(
        facts["sha256"],
        (*findings, *environment),
        survey is not None,
        n_here,
        len(facts["figures"]),
        n_printed,
    )


def _compare_computed(facts: Facts, survey: Survey, *, has_same_inputs: bool) -> Iterator[Finding]:
    """Compare what a receipt says with what follows from the inputs."""
    again = compute_facts(survey)
    for name, old, new in list_false_lines(facts, survey) if has_same_inputs else ():
        yield Finding("facts", RECEIPT_NAME, name, old, new)
    yield from _compare_facts(facts, again)
    yield from _compare_figures(facts["figures"], again["figures"])
    yield from _list_absent_reports(survey, facts["outputs"])


def _locate_changes(out: Path, facts: Facts, path: Path, within: Path | None) -> Iterator[Finding]:
    """Say where the inputs were altered, if the private receipt is there."""
    home = find_wave_file(path, facts["inputs"]).parent
    if facts.get("private") and not (out / PRIVATE_NAME).is_file():
        yield Finding("no_private", PRIVATE_NAME)
    for change in locate_changes(out, facts, home, within):
        yield Finding(change.kind, change.file, "", change.old, change.new)


def _check_seal(facts: Facts, out: Path) -> Iterator[Finding]:
    """Report any edit of the receipt, even of a blank."""
    if not is_untouched(dict(facts), out):
        yield Finding(
            "receipt", RECEIPT_NAME, old=facts["sha256"], new=seal_receipt(facts)["sha256"]
        )


def _compare_files(out: Path, listed: Mapping[str, str], lost: str) -> Iterator[Finding]:
    """Compare the hash of every file; a file that is not listed is a note."""
    here = hash_outputs(out)
    for name, old in sorted(listed.items()):
        if name not in here:
            yield Finding(lost, name, old=old)
        elif here[name] != old:
            yield Finding("output", name, old=old, new=here[name])
    for name in sorted(here.keys() - listed.keys()):
        yield Finding("extra", name)


def _read_survey_again(
    facts: Facts, out: Path, wave_path: Path | None, within: Path | None
) -> tuple[Survey | None, list[Finding]]:
    """Read the inputs again, if they are here; report which of them changed."""
    inputs = facts["inputs"]
    file = find_wave_file(wave_path, inputs) if wave_path else None
    if file is None or not file.is_file():
        return None, [Finding("absent", inputs[0]["file"])]
    first = facts | {"inputs": inputs[:1]}
    changed = [*_compare_inputs(first, out, {file: inputs[0]["file"]}, within)]
    try:
        wave = read_wave(file)
        changed = [*_compare_inputs(facts, out, wave.name_files(), within)]
        for path in wave.list_files():
            if not is_inside(path, within):
                return None, [*changed, Finding("unread", file.name, new=path)]
        survey = read_survey(wave)
    except (SipasError, UnicodeError) as error:
        is_full = isinstance(error.__cause__, OSError) and not changed  # disk, memory, open files
        return None, [*changed, Finding("unmade" if is_full else "unread", file.name, new=error)]
    return survey, changed


def find_wave_file(path: Path, inputs: Sequence[Facts]) -> Path:
    """Return the ``wave.yaml`` of a run, given by its path or its folder, whatever its name."""
    if not path.is_dir():
        return path
    files = [path / "wave.yaml", *sorted(path.glob("*.y*ml"))]
    same = (file for file in files if hash_if_there(file) == inputs[0].get("sha256"))
    return next(same, files[0])


def _compare_inputs(
    facts: Facts, out: Path, names: Mapping[Path, str], within: Path | None
) -> Iterator[Finding]:
    """Name the files, as they are called here, whose content is not in the receipt.

    Without the private receipt, files that hold answers are compared together.

    Args:
        facts: Content of the receipt, with inputs by their public names.
        out: Output folder with its receipts.
        names: Public name of each file that the wave names now, ``wave.yaml`` first.
        within: The folder of an archive: no input is read from elsewhere.
    """
    home = next(iter(names)).parent
    hashes = {p: hash_if_there(p) if is_inside(p, within) else None for p in names}
    present = {name: sha for path, name in names.items() if (sha := hashes[path])}
    hash_by_name = {row["file"]: row["sha256"] for row in fill_hashes(facts, out, present)}
    if unknown := [name for name, old in hash_by_name.items() if not old and holds_answers(name)]:
        now = hash_answers((name, present.get(name, "")) for name in hash_by_name)
        yield Finding("answers", ", ".join(unknown), old=facts.get("answers"), new=now)
        hash_by_name |= {name: present.get(name, "") for name in unknown}
    gone = {name: old for name, old in hash_by_name.items() if old not in hashes.values()}
    for path, name in names.items():
        new, is_listed = hashes[path], hashes[path] in hash_by_name.values()
        if name in gone or (new and not is_listed):
            is_new_plan = path in {home / file for file in PLAN_FILES} and name not in gone
            kind = "plan_after" if is_new_plan else "input"
            yield Finding(kind, relative_path(path, home), old=gone.pop(name, None), new=new)
    for name, old in gone.items():
        yield Finding("input", name, old=old)


def _compare_facts(old: Facts, new: Facts) -> Iterator[Finding]:
    """Compare wave, pack, rules, rounding and rows."""
    for name in ("wave", "pack", "rules", "rounding", "rows"):
        if old.get(name) == new[name]:
            continue
        before, now = dict(_list_facts(name, old.get(name))), dict(_list_facts(name, new[name]))
        keys = [key for key in before | now if before.get(key) != now.get(key)]
        for key in keys or [name]:  # no key if only the order differs
            yield Finding("facts", "receipt.json", key, before.get(key), now.get(key))


def _list_facts(name: str, facts: object) -> Iterator[tuple[str, object]]:
    """Yield name and value of each fact, such as ``wave.year``; a row has a name of its words."""
    if isinstance(facts, dict):
        for key in sorted(facts):
            yield from _list_facts(f"{name}.{key}", facts[key])
    elif isinstance(facts, list):
        for row in facts:
            values = [row[key] for key in sorted(row)] if isinstance(row, dict) else [row]
            numbers = [value for value in values if not isinstance(value, str)] or [values.pop()]
            words = [value for value in values if isinstance(value, str) and value]
            yield ".".join([name, *words]), numbers[0]
    else:
        yield name, facts


def _compare_figures(old: Iterable[Facts], new: Iterable[Facts]) -> Iterator[Finding]:
    """Name the figures that differ, those that are equal to 1e-9 only, and one listed twice."""
    old, new = [*old], [*new]
    order, expected = ([row.get("id") for row in rows] for rows in (old, new))
    if order != expected and {*order} == {*expected}:
        pairs = zip_longest(order, expected)
        yield Finding("facts", RECEIPT_NAME, "figures", *next(p for p in pairs if p[0] != p[1]))
    before, now = ({str(row.get("id")): row for row in rows} for rows in (old, new))
    for key in [*before, *(key for key in now if key not in before)]:
        rows = before.get(key, {}), now.get(key, {})
        skipped = () if all(rows) else ("id", "rule")
        columns = dict.fromkeys([*rows[0], *rows[1]])
        for column in (column for column in columns if column not in skipped):
            values = rows[0].get(column), rows[1].get(column)
            if values[0] != values[1]:
                kind = "close" if _is_close(*values) else "figure"
                yield Finding(kind, "", f"{key}#{column}", *values)


def _check_divisions(rows: Iterable[Facts]) -> Iterator[Finding]:
    """Report percentages that are not their numerator over their denominator."""
    for row in rows:
        value, up, down = (row.get(name) for name in ("value", "numerator", "denominator"))
        numbers = [number for number in (value, up, down) if isinstance(number, int | float)]
        if len(numbers) == 3 and numbers[2] and not str(row.get("id")).startswith("mean_score"):
            exact = 100 * numbers[1] / numbers[2]
            if not isclose(numbers[0], exact, rel_tol=1e-8):
                yield Finding("figure", "", f"{row.get('id')}#value", value, exact)


def _is_close(old: object, new: object) -> bool:
    are_numbers = all(
        isinstance(value, float | int) and not isinstance(value, bool) for value in (old, new)
    )
    return are_numbers and isclose(float(str(old)), float(str(new)), rel_tol=CLOSE, abs_tol=CLOSE)


def _compare_printed(
    out: Path, names: Iterable[str], figures: Mapping[str, Facts], *, is_whole: bool
) -> tuple[int, list[Finding]]:
    """Compare each named number of each file with its figure; pairs only where all is computed."""
    n_printed, wrong = 0, list[Finding]()
    for name in sorted(names):
        path = out / name
        if not path.is_file():
            continue
        try:
            printed = [
                number
                for number in read_printed(path)
                if is_whole or not number.id.startswith("pair:")
            ]
        except ValueError as error:
            wrong.append(Finding("printed", name, new=error))
            continue
        n_printed += len(printed)
        wrong += find_wrong_numbers(printed, name, figures)
    return n_printed, wrong


def _compare_remade(
    out: Path,
    facts: Facts,
    made: Path,
    figures: Mapping[str, Facts],
    *,
    is_alike: bool,
) -> Iterator[Finding]:
    """Compare every file with the one made again; under other libraries say what it says."""
    hashes, listed = hash_outputs(made), facts["outputs"]
    versions = facts["program"]["version"], describe_program()["version"]
    yield from (Finding("unlisted", name) for name in sorted(hashes.keys() - listed.keys()))
    for name in sorted(listed):
        now = hash_if_there(out / name)
        if name == CRATE:
            yield from _compare_crate(out, facts)
        elif name not in hashes:
            yield Finding("invented", name)
        elif now not in (None, hashes[name]):
            for finding in explain_difference(out / name, made / name, name, figures, versions):
                is_fault = finding.kind in NO_WORDS and is_alike
                yield Finding("bytes", name, "", hashes[name], now) if is_fault else finding


def _compare_crate(out: Path, facts: Facts) -> Iterator[Finding]:
    """Compare the crate with the one of the receipt, because it names the hash of every file."""
    outputs = {name: sha for name, sha in facts["outputs"].items() if name != CRATE}
    path = out / CRATE
    if path.is_file() and path.read_bytes() != make_crate(facts | {"outputs": outputs}).encode():
        yield Finding("text", CRATE)


def _list_absent_reports(survey: Survey, listed: Iterable[str]) -> Iterator[Finding]:
    """Note the files that a report does not have although others have them."""
    names = {*listed}
    units = [code for code in survey.units["code"] if code in {*survey.frame["unit"]}]
    expected = {unit: name_report_files(unit, FORMATS, LANGUAGES) for unit in units}
    usual = {key for files in expected.values() for key, name in files.items() if name in names}
    for files in expected.values():
        for key, name in files.items():
            if key in usual and name not in names:
                yield Finding("no_report", name)


def _compare_environment(facts: Facts) -> Iterator[Finding]:
    """Report what differs in program and machine; the commit changes no byte of a file.

    Another program or lock of the same version is not the released one: a fault.
    """
    old, new = facts["program"], describe_program()
    if old["version"] != new["version"]:
        yield Finding("version", "", "version", old["version"], new["version"])
    else:
        is_like = old["libraries"] == new["libraries"]
        files = {} if is_like else source_files(HOME, notebooks_folder())
        sha = new["sha256"] if is_like else hash_program(files, old["libraries"])
        if old["sha256"] != sha:
            yield Finding("program", RECEIPT_NAME, old=old["sha256"], new=sha)
    for name in (name for name in (*BUILD, "python", "machine") if old[name] != new[name]):
        if name in BUILD and old[name] and new[name] and old["version"] == new["version"]:
            yield Finding("facts", RECEIPT_NAME, f"program.{name}", old[name], new[name])
        else:
            yield Finding("environment", "", name, old[name], new[name])
    before, now = old["libraries"], new["libraries"]
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            yield Finding("environment", "", name, before.get(name), now.get(name))


def _is_alike(environment: Iterable[Finding]) -> bool:
    """Return whether this program makes the same bytes as the one of the receipt."""
    kinds = {finding.kind for finding in environment if finding.figure not in BUILD}
    return kinds <= {"program", "facts"}
