"""Parameters of notebooks: compared first, refused if misspelt, missing or not text."""

import json

import pytest

from sipas_analysis.errors import ParameterError
from sipas_analysis.proof.program import notebooks_folder
from sipas_analysis.runs.notebook import (
    PROVINCE,
    UNIT,
    check_parameters,
    parameters_of,
    run_notebook,
)

GIVEN = {"wave": "w.yaml", "unit": "so-a"}


def notebook_of(folder, *cells):
    """Write a notebook from pairs of source and tags."""
    made = [
        {"cell_type": "code", "source": [source], "metadata": {"tags": tags}}
        for source, tags in cells
    ]
    path = folder / "small.ipynb"
    path.write_text(json.dumps({"cells": made}), "utf-8")
    return path


@pytest.fixture
def small(tmp_path):
    """A notebook with two parameters."""
    source = 'wave = "demo.yaml"\nunit = "so-x"  # a code\n'
    return notebook_of(tmp_path, (source, ["parameters"]), ("print(wave)", []))


def test_parameters_are_the_names_of_the_tagged_cell(small):
    """Comments and other cells do not count."""
    assert parameters_of(small) == ["wave", "unit"]


@pytest.mark.parametrize("name", [PROVINCE, UNIT])
def test_the_notebooks_of_the_program_take_what_the_command_gives(name):
    """Wave, language, folder and formats, and a unit where there is one."""
    unit = {"unit"} if name == UNIT else set()
    assert (
        set(parameters_of(notebooks_folder() / f"{name}.ipynb"))
        == {"wave", "language", "out", "formats"} | unit
    )


def test_all_parameters_given_pass(small):
    """Nothing is said when names and types fit."""
    check_parameters(small, GIVEN)


def test_a_misspelt_parameter_is_refused_with_the_right_one(small):
    """papermill would log it and report the default year."""
    with pytest.raises(ParameterError, match="Did you mean unit") as caught:
        check_parameters(small, GIVEN | {"unti": "so-b"})
    assert caught.value.fields["name"] == "unti"


def test_a_name_unlike_any_parameter_is_refused_too(small):
    """There is always a nearest name to offer."""
    with pytest.raises(ParameterError, match="no parameter “zzz”; it has wave, unit"):
        check_parameters(small, GIVEN | {"zzz": ""})


def test_a_missing_parameter_is_named(small):
    """The notebook's own default is for reading it, not for publishing."""
    with pytest.raises(ParameterError, match=r"needs the parameter\(s\) unit"):
        check_parameters(small, {"wave": "w.yaml"})


@pytest.mark.parametrize("value", [1, 2021.0, None, True, ["so-a"]])
def test_a_parameter_must_be_text(small, value):
    """papermill's command line turns the code 001 into 1."""
    with pytest.raises(ParameterError, match=r"unit of small\.ipynb must be text"):
        check_parameters(small, {"wave": "w.yaml", "unit": value})


@pytest.mark.parametrize(
    "cells",
    [
        [('wave = "x"', [])],
        [('wave = "x"', ["parameters"]), ('unit = "y"', ["parameters"])],
    ],
)
def test_a_notebook_needs_one_cell_of_parameters(tmp_path, cells):
    """With none or two papermill reports a default."""
    path = notebook_of(tmp_path, *cells)
    with pytest.raises(ParameterError, match="one cell tagged `parameters`") as caught:
        parameters_of(path)
    assert caught.value.fields["n"] == len([tags for _, tags in cells if tags])


def test_a_notebook_is_not_started_with_wrong_parameters(small):
    """Refused before a kernel is."""
    with pytest.raises(ParameterError):
        run_notebook("small", {"wave": "w.yaml"}, small.parent)
