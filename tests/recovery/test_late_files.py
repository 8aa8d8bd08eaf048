"""An honest official with hard files is not accused; one who is late again is found (rule T6).

More offices: benchmarks/late_again.py; the result stands in docs/method.md.
"""

import pytest
from late_files import OFFICES, simulate_cells
from scipy.stats import binom
from sizes import sizes

from sipas_analysis.infer.intervals import exact_interval
from sipas_analysis.records.late_again import compare_officials, read_late_rules

RULES = read_late_rules()


def count_flags(office, n, seed=0):
    """Return in how many offices the honest, the late and any other official is above the funnel.

    And in how many a funnel of plain rates, which knows no hard files, accuses the honest one.
    """
    honest = late = others = plain = 0
    for at in range(n):
        table = compare_officials(simulate_cells(office, seed + at), RULES).set_index("handler")
        is_above = table["rate_percent"] > table["high_percent"]
        honest, late = honest + bool(is_above["h0"]), late + bool(is_above["h1"])
        others += bool(is_above.drop(["h0", "h1"]).any())
        mean = table["late"].sum() / table["n"].sum()
        tail = binom.sf(table.loc["h0", "late"] - 1, table.loc["h0", "n"], mean)
        plain += bool(tail < 0.05 / len(table))
    return honest, late, others, plain


@pytest.mark.slow
@sizes("n", 30, 500)
def test_the_honest_official_is_not_accused_and_the_late_one_is_found(n):
    """A funnel of plain rates accuses the honest one."""
    honest, late, others, plain = count_flags(OFFICES["as described"], n)
    assert plain > 0.75 * n
    assert honest <= 0.05 * n
    assert late >= 0.7 * n
    assert exact_interval(others, n)[0] <= 0.05


@pytest.mark.full
@pytest.mark.parametrize("name", [name for name in OFFICES if name != "as described"])
def test_no_kind_of_office_accuses_the_honest_official(name):
    """At most 5 % of 500 offices, however much officials and sections differ."""
    honest, _, others, _ = count_flags(OFFICES[name], 500, seed=1000)
    assert honest <= 25
    assert exact_interval(others, 500)[0] <= 0.05
