"""What a verification found: differences by kind, and the grade that follows from them."""

from dataclasses import dataclass
from functools import cached_property

NOTES = (
    "close",
    "extra",
    "environment",
    "version",
    "absent",
    "left_out",
    "no_report",
    "layout",
    "digits",
    "unmade",
    "no_private",
    "no_cell",
)


@dataclass(frozen=True)
class Finding:
    """One difference from the receipt or from the inputs; kinds in ``NOTES`` are not faults."""

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
        recomputed: Whether figures and files were made again from the inputs.
        n_outputs: Files compared.
        n_figures: Figures compared.
        n_printed: Printed numbers read back, of files that could not be made again.
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

        ``same``; ``elsewhere``, the same bytes by another version, lock or library; ``rounded``,
        numbers the same to 1e-9; ``partly``, not made again, because the inputs are not here or
        this machine cannot, or in other bytes by another library; or ``different``.
        """
        kinds = {finding.kind for finding in self.findings}
        if self.faults:
            return "different"
        if not self.recomputed or kinds & {"layout", "unmade"}:
            return "partly"
        if kinds & {"close", "digits"}:
            return "rounded"
        return "elsewhere" if kinds & {"environment", "version"} else "same"
