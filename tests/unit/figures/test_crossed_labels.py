"""Labels of three questions leave no few people, nor does a unit less its own (P4, P5)."""

from itertools import combinations

import numpy as np
import pytest

from sipas_analysis.figures.crossed_labels import find_crossed
from sipas_analysis.figures.hidden_labels import find_hidden_labels, mark_labels

CELLS = [  # sex, area, education and forms: no two questions leave few people, three leave 3
    ("male", "urban", "primary", 20),
    ("male", "rural", "university", 20),
    ("female", "rural", "primary", 20),
    ("female", "urban", "primary", 3),
]


def search_all(codes, fewest):
    """Return whether few people are a combination of labels, by the rank without them."""
    kinds, n = np.unique(np.column_stack(codes), axis=0, return_counts=True)
    marks = np.hstack([labels[:, None] == np.unique(labels) for labels in kinds.T]).astype(float)
    rank, few = np.linalg.matrix_rank(marks), np.flatnonzero(n < fewest)
    return any(
        np.linalg.matrix_rank(np.delete(marks, part, axis=0)) < rank
        for size in range(1, fewest)
        for part in combinations(few, size)
        if n[[*part]].sum() < fewest
    )


def test_few_people_are_found_as_by_trying_all():
    """Random labels that follow each other nearly; the projection finds what the rank shows."""
    rng = np.random.default_rng(1)
    answers = []
    for _ in range(60):
        n, stray = int(rng.integers(150, 400)), rng.uniform(0.01, 0.06)
        first = rng.choice(3, n, p=[0.5, 0.4, 0.1])
        second = np.where(rng.random(n) < stray, rng.integers(0, 3, n), first)
        third = np.where(rng.random(n) < 2 * stray, rng.integers(0, 3, n), (first + second) // 2)
        codes = [first, second, third]
        answers.append(bool([*find_crossed(codes, 4)]))
        assert answers[-1] == search_all(codes, 4)
    assert 10 < sum(answers) < 50


@pytest.fixture
def read_people(read_answers):
    """Return a function that reads forms of two units with questions on the person."""

    def read(rows):
        lines = [f"{row[0]},{5 - k % 3},4,{k % 4 + 1},{row[1]}" for k, row in enumerate(rows)]
        text = "\n".join(["unit,A1,A2,D1,who,place,school", *lines, ""])
        keys = {name: name for name in ("who", "place", "school")}
        same = {"keep": "answers.csv", "because": "few questions"}
        return read_answers(text, columns={"unit": "unit", "keys": keys}, duplicates=same)

    return read


def test_three_questions_together_leave_no_few_people(read_people):
    """Primary less men less rural, plus the men who are rural, …: three women remain."""
    labels = [f"{sex},{area},{school}" for sex, area, school, n in CELLS for _ in range(n)]
    survey = read_people([("so-a" if k % 2 else "so-b", text) for k, text in enumerate(labels)])
    hidden = find_hidden_labels(survey, of_index=True)
    tables = [mark_labels(survey, key).drop(columns=[*gone]) for key, gone in hidden.items()]
    codes = [
        np.where(table.any(axis=1), table.to_numpy().argmax(axis=1), 9)
        for table in tables
        if len(table.columns)
    ]
    assert any(hidden.values())
    assert not search_all(codes, 5)


@pytest.mark.slow
def test_a_unit_does_not_know_the_few_others_of_a_label(read_people):
    """Eight people have no school but primary, six of them in so-a: it would know the other two."""
    rows = [("so-a", "male,urban,primary")] * 6 + [("so-b", "female,rural,primary")] * 2
    rows += [("so-a", "female,rural,university")] * 15 + [("so-b", "male,urban,university")] * 20
    rows += [("so-a", "male,rural,vocational")] * 12 + [("so-b", "female,urban,vocational")] * 20
    hidden = find_hidden_labels(read_people(rows), of_index=True)
    assert "primary" in hidden["school"]
    assert len(hidden["school"]) > 1
    rows += [("so-b", "female,rural,primary")] * 4
    assert not find_hidden_labels(read_people(rows), of_index=True)["school"]
