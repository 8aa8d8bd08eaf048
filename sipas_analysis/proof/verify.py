"""Check a run against its receipt: files, inputs, recomputed figures, and printed numbers.

Each difference is named with file, figure, old and new value. Figures are always computed again
from the inputs, never read from a file of the run. Without the inputs only a part is checked, and
the grade is ``partly`` at best.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isclose
from pathlib import Path

from sipas_analysis.collect.survey import Survey, read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.errors import SipasError
from sipas_analysis.figures.published import figures_of
from sipas_analysis.files import hash_if_there, is_inside
from sipas_analysis.proof.program import Facts, describe_program
from sipas_analysis.proof.read_back import read_printed
from sipas_analysis.proof.receipt import (
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

CLOSE = 1e-9  # largest difference by another processor or library
NOTES = ("close", "extra", "environment", "absent", "left_out")


@dataclass(frozen=True)
class Finding:
    """One difference from the receipt; kinds in ``NOTES`` are not faults."""

    kind: str
    file: str = ""
    figure: str = ""
    old: object = None
    new: object = None


@dataclass(frozen=True)
class Verification:
    """What a check found.

    Attributes:
        receipt: Hash of the receipt in its present state.
        findings: The differences; notes at the end.
        recomputed: Whether the figures were computed again from the inputs.
        n_outputs: Files compared.
        n_figures: Figures compared.
        n_printed: Printed numbers compared.
    """

    receipt: str
    findings: tuple[Finding, ...]
    recomputed: bool
    n_outputs: int
    n_figures: int
    n_printed: int

    @property
    def faults(self) -> list[Finding]:
        """Findings that are faults, not notes."""
        return [finding for finding in self.findings if finding.kind not in NOTES]

    @cached_property
    def grade(self) -> str:
        """The verification in one word.

        ``same``; ``elsewhere``, the same by another program, lock or library; ``rounded``, the
        same to 1e-9; ``partly``, not computed again; or ``different``.
        """
        kinds = {finding.kind for finding in self.findings}
        if self.faults:
            return "different"
        if not self.recomputed:
            return "partly"
        if "close" in kinds:
            return "rounded"
        return "elsewhere" if "environment" in kinds else "same"


def verify(
    out: Path, wave: Path | None = None, *, public: bool = False, within: Path | None = None
) -> Verification:
    """Check an output folder against its receipt and its inputs.

    Args:
        out: Output folder of a wave.
        wave: ``wave.yaml`` or its folder; the path that the run noted if left out.
        public: Whether files may be left out, as a public archive does.
        within: The folder of an archive: no input is read from elsewhere.

    Returns:
        The grade, with every finding.

    Raises:
        ReceiptError: There is no receipt, or this version cannot read it.
    """
    facts = read_receipt(out)
    names, rows = facts["outputs"], facts["figures"]
    findings = [
        *_check_seal(facts, out),
        *_compare_files(out, names, "left_out" if public else "missing"),
    ]
    survey, problems = _read_survey_again(
        facts, wave or (None if within else find_wave(out)), within
    )
    findings += problems
    if survey is not None:
        again = compute_facts(survey)
        findings += [*_compare_facts(facts, again), *_compare_figures(rows, again["figures"])]
        rows = round_figures(figures_of(survey).by_id)  # with the pairs
    else:
        findings += _check_divisions(rows)
    figures = {str(row.get("id")): row for row in rows}
    n_printed, wrong = _compare_printed(out, names, figures, whole=survey is not None)
    findings += [*wrong, *_compare_environment(facts)]
    n_here = sum((out / name).is_file() for name in names)
    return Verification(
        facts["sha256"],
        tuple(findings),
        survey is not None,
        n_here,
        len(facts["figures"]),
        n_printed,
    )


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
    facts: Facts, wave_path: Path | None, within: Path | None
) -> tuple[Survey | None, list[Finding]]:
    """Read the inputs again, if they are here; report which of them changed."""
    inputs = facts["inputs"]
    file = find_wave_file(wave_path, inputs) if wave_path else None
    if file is None or not file.is_file():
        return None, [Finding("absent", inputs[0]["file"])]
    changed = [*_compare_inputs(inputs[:1], {file: inputs[0]["file"]}, within)]
    try:
        wave = read_wave(file)
        changed = [*_compare_inputs(inputs, wave.name_files(), within)]
        for path in wave.list_files():
            if not is_inside(path, within):
                return None, [*changed, Finding("unread", file.name, new=path)]
        survey = read_survey(wave)
    except (SipasError, UnicodeError) as error:
        return None, [*changed, Finding("unread", file.name, new=error)]
    return survey, changed


def find_wave_file(path: Path, inputs: Sequence[Facts]) -> Path:
    """Return the ``wave.yaml`` of a run, given by its path or its folder, whatever its name."""
    if not path.is_dir():
        return path
    files = [path / "wave.yaml", *sorted(path.glob("*.y*ml"))]
    same = (file for file in files if hash_if_there(file) == inputs[0]["sha256"])
    return next(same, files[0])


def _compare_inputs(
    rows: Iterable[Facts], names: Mapping[Path, str], within: Path | None
) -> Iterator[Finding]:
    """Name the files, as they are called here, whose content is not in the receipt.

    Args:
        rows: Inputs of the receipt, by their public names.
        names: Public name of each file that the wave names now, ``wave.yaml`` first.
        within: The folder of an archive: no input is read from elsewhere.
    """
    home = next(iter(names)).parent
    hashes = {p: hash_if_there(p) if is_inside(p, within) else None for p in names}
    hash_by_name = {row["file"]: row["sha256"] for row in rows}
    gone = {name: old for name, old in hash_by_name.items() if old not in hashes.values()}
    for path, name in names.items():
        new, is_listed = hashes[path], hashes[path] in hash_by_name.values()
        if name in gone or (new and not is_listed):
            yield Finding("input", relative_path(path, home), old=gone.pop(name, None), new=new)
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
    """Name the figures that differ, and those that are equal to 1e-9 only."""
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
    out: Path, names: Iterable[str], figures: Mapping[str, Facts], *, whole: bool
) -> tuple[int, list[Finding]]:
    """Compare each named number of each file with its figure; pairs only where all is computed."""
    n_printed, wrong = 0, list[Finding]()
    for name in sorted(names):
        path = out / name
        if not path.is_file():
            continue
        try:
            printed = read_printed(path)
        except ValueError as error:
            wrong.append(Finding("printed", name, new=error))
            continue
        numbers = [number for number in printed if whole or not number.id.startswith("pair:")]
        n_printed += len(numbers)
        for number in numbers:
            exact = figures.get(number.id, {}).get(number.column)
            if not number.agrees(exact):
                figure = f"{number.id}#{number.column}"
                wrong.append(Finding("printed", name, figure, exact, number.text))
    return n_printed, wrong


def _compare_environment(facts: Facts) -> Iterator[Finding]:
    """Report what differs in program and machine; the commit changes no byte of a file."""
    old, new = facts["program"], describe_program()
    for name, value in new.items():
        if name != "commit" and old.get(name) != value:
            yield Finding("environment", "", name, old.get(name), value)
