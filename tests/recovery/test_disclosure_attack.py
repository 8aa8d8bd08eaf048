"""What no reader can compute: an independent attacker reads the published tables of small waves.

More waves and the information that is lost: benchmarks/disclosure_attack.py; docs/disclosure.md.
"""

import attacker
import pandas as pd
import pytest
import small_groups

import sipas_analysis as sipas
from sipas_analysis.figures import wave_tables
from sipas_analysis.figures.csv_files import write_tables
from sipas_analysis.figures.identified import concat_figures
from sipas_analysis.figures.published import Figures
from sipas_analysis.figures.suppression import Suppression, blank_hidden

QUICK, SLOW = (5,), (0, 23, 36)  # 36: bases of other units gave those of a small one


def find_hidden_numbers(folder, seed):
    """Draw and publish a wave; return what somebody finds in its tables, by name."""
    small_groups.write_wave(folder, seed)
    figures = Figures(sipas.read_survey(sipas.read_wave(folder / "wave.yaml")))
    parts = [figures._part(name) for name in ("scores", "respondents")]
    tables = figures.tables(("scores",)) | {"figures": concat_figures(parts)}
    write_tables(tables, folder / "tables")
    reader = attacker.Reader(folder, folder / "tables")
    assert attacker.list_targets(reader)  # something is hidden
    found = [f"{target.kind} {target.name}" for _, target in attacker.find_disclosed(reader)]
    found += [f"moments {name}" for name, _ in attacker.find_by_moments(reader)]
    return found + [f"difference {names}" for names in attacker.find_by_keys(reader)]


def blank_small(table, _):
    """Blank what has few people (P2), and nothing that would give it back."""
    nothing = pd.Series("", table.index)
    return Suppression(blank_hidden(table), nothing, nothing.eq("small"))


@pytest.mark.parametrize("seed", [*QUICK, *(pytest.param(s, marks=pytest.mark.slow) for s in SLOW)])
@pytest.mark.slow
def test_nobody_finds_a_hidden_number(tmp_path, monkeypatch, seed):
    """P4, P5: no outsider and no contributor; with small cells blanked alone (P2), many do."""
    assert find_hidden_numbers(tmp_path / "wave", seed) == []
    monkeypatch.setattr(wave_tables, "suppress_figures", blank_small)
    found = find_hidden_numbers(tmp_path / "plain", seed)
    assert any(name.startswith("satisfied") for name in found)


def test_the_error_of_a_share_gives_back_its_second_moments():
    """Five people, two items: Σ N², Σ N·D and Σ D² follow from value and error (V1)."""
    answers = [(2, 2), (2, 2), (1, 2), (0, 1), (1, 1)]  # satisfied, given
    num, den = (sum(column) for column in zip(*answers, strict=True))
    squares = sum((k - num / den * n) ** 2 for k, n in answers)
    se = 100 * (squares * 5 / 4) ** 0.5 / den
    row = type("Row", (), {"numerator": num, "denominator": den, "n": 5, "se": round(se, 8)})
    moments = attacker.solve_moments(row, 2, 5)
    assert moments == [(10, 11, 14)]
