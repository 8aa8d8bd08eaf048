"""A wave of a few small units on the pack of four questions: a run of it takes a second or two."""

import random

from conftest import write_wave

ITEMS = ("A1", "A2", "D1", "OVERALL")
N_FORMS = 40  # of each unit


def write_units(letters):
    """Return the list of some units, ``so-a`` and so on."""
    rows = (f"so-{it},Sở {it.upper()},Department {it.upper()},departments\n" for it in letters)
    return "code,name_vi,name_en,group\n" + "".join(rows)


def make_forms(letters, seed=2024):
    """Return forty forms from each unit, all questions answered."""
    draw = random.Random(seed)
    rows = [
        f"so-{unit}," + ",".join(str(draw.choice([2, 3, 4, 4, 5, 5])) for _ in ITEMS) + ",male"
        for unit in letters
        for _ in range(N_FORMS)
    ]
    return "\n".join(["unit," + ",".join(ITEMS) + ",sex", *rows]) + "\n"


def write_office(folder, letters="abc", **facts):
    """Write the wave of some units; return the path of its ``wave.yaml``."""
    folder.mkdir()
    facts = {"min_forms": 20, "seed": "187"} | facts
    return write_wave(folder, make_forms(letters), write_units(letters), **facts)
