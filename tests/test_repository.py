"""The house rules, held by a machine: layers, sizes, thin notebooks, locks, rule ids."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections import Counter
from functools import cache
from importlib.metadata import distributions, requires
from itertools import accumulate
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "sipas_analysis"
MODULES = sorted(PACKAGE.rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

# From the top of the house to the bottom; a module imports only what stands above it.
HOUSE = """
messages errors extras progress memory arguments files input_copies rounding
instrument.strict_yaml instrument.pack instrument.wording instrument.answer_levels
instrument.pack_draft
instrument.xlsform instrument.column_pack
documents.model documents.table_cells documents.outlines documents.canvas
documents.chart_parts documents.chart_intervals documents.chart_answers documents.chart_strips
documents.chart_bars documents.chart_slopes documents.chart_flow documents.letter_widths
documents.column_widths documents.writers.html
documents.writers.typst_process documents.writers.docx_parts
documents.writers.docx_table documents.writers.docx_letter documents.writers.docx
documents.writers.pdf documents.writers.quick_sheet
documents.writers.xlsx documents.writers.xlsx_form
documents.writers.table_text documents.writers.table_html documents.writers.latex
documents.writers.markdown documents.writers.docx_tables documents.writers.xlsx_tables
infer.column_formats infer.printed_result infer.result_table
infer.row_numbers infer.domains infer.stages infer.design infer.distributions
infer.quadratic_forms infer.exact_sums
infer.totals infer.variance
infer.calibration
infer.replicates infer.form_files infer.sample_facts infer.sql_sums infer.totals_from_files
infer.layout
infer.ratio_means infer.intervals infer.combinations infer.estimates infer.estimate_tables
infer.means infer.shares
infer.population_variance infer.quantiles infer.cross_tables
infer.group_tests infer.margins infer.calibration_weights infer.weighting infer.standardisation
infer.sample_size infer.sample_draw infer.unit_counts
sheets.texts sheets.text_columns sheets.file_kinds sheets.sheet_state sheets.data_files
sheets.regular_text sheets.text_files
sheets.reader
collect.answer_files collect.vocabulary collect.readings collect.days collect.likeness
collect.tables
collect.responses collect.record_sources collect.other_indices collect.wave_parts collect.wave
collect.units
collect.unit_changes collect.headers collect.columns collect.cells collect.row_rules
collect.form_rows collect.cell_state collect.placed_cells
collect.near_copies collect.duplicates collect.file_cells collect.survey collect.frame_columns
collect.frame_survey
collect.simulate
records.calendar_years records.calendar records.clock records.service_levels records.columns
records.words records.stamps records.raw_files records.ledger
records.export_files records.exports records.repeats records.dossiers
records.movements records.official_form records.timeliness records.steps records.flow
records.late_effects records.late_again records.small_cells records.channels records.petitions
records.publication records.coverage
records.office_records records.indicators records.service_score
records.simulated_work records.simulated_exports records.simulate
quality.form_patterns quality.findings quality.keyed_twice quality.item_checks
draft.sheets draft.answer_columns draft.pack draft.proposals draft.record_files
draft.recognised draft.wave_text draft.decisions draft.wave_file
measure.rules measure.scores measure.rule_comparison measure.reconciliation measure.pooling
measure.adjustment
measure.largest_ratios measure.step_down measure.ranking measure.index_gaps measure.item_order
measure.wave_breaks
measure.change measure.decomposition measure.item_answers
measure.factor_model measure.factor_structure measure.intraclass measure.polychoric
measure.reliability measure.fairness
explain.likelihoods explain.collinearity explain.imputation explain.formula explain.effects
explain.answer_effects
explain.standard_errors explain.coefficients explain.replicate_fits explain.bias_reduced
explain.term_names explain.fitted_model explain.average_margins explain.parallel_slopes
explain.fit_tests
explain.predictions explain.statsmodels_view explain.fitted explain.fits_by_group
explain.regression explain.pool_results explain.factor_scores
explain.driver_results explain.facts explain.fact_results explain.fact_drivers explain.drivers
explain.record_views
explain.shapley explain.players explain.sharing
explain.importance explain.priority
explain.penalty_reward explain.model_table
improve.actions improve.plan
improve.plan_sheet improve.plan_words improve.plan_cells improve.plan_file
improve.expected_change improve.two_waves improve.verdict
figures.csv_files figures.disclosure_cells figures.disclosure_programs figures.disclosure_tables
figures.disclosure_exchanges figures.disclosure_walks figures.disclosure_hiding
figures.disclosure
figures.rare_labels
figures.suppression figures.disclosure_counts figures.crossed_labels
figures.hidden_labels
figures.respondents figures.identified figures.counts figures.wave_tables figures.last_year
figures.plan_records figures.plan_figures figures.record_rows figures.record_closure
figures.record_suppression figures.record_tables figures.slow_places figures.step_tables
figures.fact_tables figures.aside_tables
figures.record_rules figures.record_figures
figures.published figures.editions
documents.writers.terminal
reports.edition_output reports.file_names reports.subject reports.disclosure_output
reports.rounded_ends reports.named_numbers reports.figure_tables
reports.record_cells reports.picture_rows reports.pictures
reports.unit_pictures reports.answer_pictures reports.record_pictures reports.chapters.trend
reports.chapters.sample_design reports.chapters.respondents reports.chapters.people
reports.chapters.opening
reports.chapters.incidents reports.chapters.plan_lines reports.chapters.plan_summary
reports.chapters.record_summary reports.chapters.leaders_table
reports.chapters.driver_tables reports.chapters.drivers
reports.chapters.results reports.chapters.ranking reports.chapters.records
reports.chapters.leaders
reports.chapters.letters reports.chapters.action reports.chapters.assessment
reports.chapters.driver_annex
reports.chapters.method reports.chapters.index_rules reports.chapters.item_tables
reports.chapters.unit_tables reports.chapters.sources
reports.chapters.plan reports.chapters.plan_annex reports.chapters.verdicts
reports.chapters.record_annex
reports.chapters.annexes
reports.annex_workbook reports.long_tables reports.table_workbook reports.edited_files
reports.report
reports.portal_files reports.portal_rows reports.portal
reports.comparison_page reports.sample_options reports.sample_list
reports.sample_page reports.no_answers reports.draft_output reports.check_reminders
reports.small_units reports.before_signing reports.check_output
reports.score_output reports.verdict_output reports.reconcile_output reports.restricted_output
reports.plan_workbook
reports.form_owners reports.unit_returns reports.return_slips reports.drivers_output
plot.colours plot.names plot.row_axes plot.shown plot.interval_marks plot.side_names plot.slopes
plot.indices plot.answers plot.changes plot.coefficients plot.importances plot.item_quality
proof.program proof.receipt
proof.cell_hashes proof.line_changes proof.altered_cells proof.private_receipt
proof.receipt_page proof.ro_crate proof.archive_texts proof.archive_format proof.read_back
proof.pdf_text proof.file_contents proof.findings proof.differences proof.verify proof.wheels
proof.verification_page proof.kept_forms proof.trace proof.archive
runs.notebook runs.jobs runs.worker runs.papermill_engine runs.annual_run runs.remake
desk.lab_folder desk.start_steps desk.start_parts desk.start_facts desk.start_columns
desk.start_page
command_options command_process command_steps cli
""".split()  # noqa: SIM905 (one name a module, in the order of the house)


def _name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


@cache
def _read(path: Path) -> tuple[str, list[ast.AST]]:
    """Return the text of a module and the nodes of its tree, the module first."""
    text = path.read_text("utf-8")
    return text, list(ast.walk(ast.parse(text)))


def _imports(path: Path) -> list[str]:
    """Return the package's own modules that a module imports, wherever the import stands."""
    names = []
    for node in _read(path)[1]:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sipas_analysis"):
            base = (node.module or "")[len("sipas_analysis.") :]
            below = [f"{base}.{name.name}".strip(".") for name in node.names]
            names += [name if name in HOUSE else base for name in below]
        elif isinstance(node, ast.Import):
            names += [
                name.name[len("sipas_analysis.") :]
                for name in node.names
                if name.name.startswith("sipas_analysis.")
            ]
    return [name for name in names if name]


def test_every_module_has_a_place_in_the_house():
    """A new module names its room here first."""
    rooms = {_name(path) for path in MODULES if path.name == "__init__.py"} - {"messages"}
    assert {_name(path) for path in MODULES} - rooms == set(HOUSE)


def test_a_module_imports_only_from_above():
    """Rooms stand in one order, and so do the modules of a room.

    An import inside a function counts too: none dodges a circle.
    """
    places = {name: place for place, name in enumerate(HOUSE)}
    below = {
        module: names
        for path in MODULES
        if (module := _name(path)) in places
        and (names := [name for name in _imports(path) if places[name] >= places[module]])
    }
    assert below == {}


def test_no_room_is_a_warehouse():
    """The largest room has at most a fifth of the lines of the package."""
    lines = Counter(
        path.relative_to(PACKAGE).parts[0] for path in MODULES for _ in _read(path)[0].splitlines()
    )
    total = sum(lines.values())
    assert {room: n for room, n in lines.items() if n > 0.2 * total} == {}


# Words that bind a value and say nothing of what it is.
EMPTY_NAMES = {*"it one own found made known asked kept said held".split()}  # noqa: SIM905


def _bound_names(nodes: list[ast.AST]) -> list[str]:
    """Return the names that assignments, loops, comprehensions, arguments, with and except bind."""
    stored = [
        node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
    arguments = [node.arg for node in nodes if isinstance(node, ast.arg)]
    errors = [node.name for node in nodes if isinstance(node, ast.ExceptHandler)]
    return stored + arguments + [name for name in errors if name]


def test_local_names_say_what_a_value_is():
    """`it`, `one`, `found` and the like bind at most 1.5 % of all names."""
    bound = {_name(path): _bound_names(_read(path)[1]) for path in MODULES}
    empty = {
        name: n
        for name, names in bound.items()
        if (n := sum(word in EMPTY_NAMES for word in names))
    }
    assert sum(empty.values()) <= 0.015 * sum(map(len, bound.values())), empty


@pytest.mark.slow
def test_reports_do_not_wait_for_slow_modules():
    """``scipy.stats`` alone takes longer to import than a figure to compute."""
    slow = "{'scipy.stats', 'scipy.optimize', 'statsmodels', 'formulaic', 'sklearn'}"
    code = f"import sys, sipas_analysis.reports.report; print(sorted({slow} & set(sys.modules)))"
    command = [sys.executable, "-c", code]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert shown.strip() == "[]"


def test_functions_are_named_by_a_verb_and_its_object():
    """At most 35 % have a name of one word; verbs of the public face and dunders do not count."""
    import sipas_analysis as sipas

    names = [
        node.name
        for path in MODULES
        for node in _read(path)[1]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("__")
    ]
    short = [name for name in names if "_" not in name.lstrip("_") and name not in sipas.__all__]
    assert len(short) <= 0.35 * len(names), Counter(short).most_common()


def test_types_are_named_and_layout_is_left_to_the_formatter():
    """At most 120 times `Any`; at most ten tables that are laid out by hand."""
    n_any = {_name(path): len(re.findall(r"\bAny\b", _read(path)[0])) for path in MODULES}
    assert sum(n_any.values()) <= 120, {name: n for name, n in n_any.items() if n}
    assert sum(_read(path)[0].count("# fmt: skip") for path in MODULES) <= 10


def _count_code_lines(text: str, nodes: list[ast.AST]) -> list[int]:
    """Return how many lines up to each, from 0 on, are neither blank, comment nor docstring."""
    docs: set[int] = set()
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module) and ast.get_docstring(
            node
        ):
            doc = node.body[0]
            docs |= set(range(doc.lineno, (doc.end_lineno or doc.lineno) + 1))
    is_code = [
        line not in docs and bool(text.strip()) and not text.lstrip().startswith("#")
        for line, text in enumerate(text.splitlines(), 1)
    ]
    return [0, *accumulate(is_code)]


def test_functions_and_modules_stay_small():
    """No function body over 40 lines of code, no module over 300."""
    large = []
    for path in MODULES:
        text, nodes = _read(path)
        n_until = _count_code_lines(text, nodes)
        if n_until[-1] > 300:
            large.append(path.name)
        for node in nodes:
            if isinstance(node, ast.FunctionDef):
                parts = node.body[1:] if ast.get_docstring(node) else node.body
                body = sum(n_until[part.end_lineno] - n_until[part.lineno - 1] for part in parts)
                large += [f"{path.name}:{node.name}"] if body > 40 else []
    assert large == []


def _list_public():
    """Return what is public by name; of the pictures, each function."""
    import sipas_analysis as sipas

    public = {name: getattr(sipas, name) for name in sipas.__all__ if name != "plot"}
    return public | {f"plot.{name}": getattr(sipas.plot, name) for name in sipas.plot.__all__}


def test_the_public_face_is_small_and_loads_lazily():
    """At most 50 names, and importing the package loads neither pandas nor matplotlib.

    Records are a third thing to read, beside the wave and its answers: ``read_records``. Models are
    set side by side by ``table``, and ``penalties`` needs no import from inside (issue 23).
    """
    import sipas_analysis as sipas

    assert len(sipas.__all__) <= 50
    assert all(callable(function) for function in _list_public().values())
    code = "import sys, sipas_analysis; print(sorted({'pandas', 'matplotlib'} & set(sys.modules)))"
    command = [sys.executable, "-c", code]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert shown.strip() == "[]"


def test_public_functions_say_what_they_return_and_show_an_example():
    """Docstrings of the public face: source where there is a rule, and a runnable example."""
    of_objects = ("Design", "Replicates", "read_instrument")
    named = {name: public for name, public in _list_public().items() if name not in of_objects}
    without = [name for name, public in named.items() if ">>>" not in (public.__doc__ or "")]
    assert without == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_thin_and_stripped(path):
    """A question first, one cell tagged parameters, short cells without def, no output kept."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert cells[0]["cell_type"] == "markdown"
    assert "?" in "".join(cells[0]["source"])
    assert [cell["metadata"].get("tags", []) for cell in code].count(["parameters"]) == 1
    assert code[0]["metadata"]["tags"] == ["parameters"]
    for cell in code:
        source = "".join(cell["source"])
        assert source.count("\n") < 12
        assert not re.search(r"^\s*(def|class|for|while) ", source, re.MULTILINE)
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


def test_environment_yml_is_python_pip_and_the_lock():
    """Nothing else, so that it cannot drift; Python is the floor that the package names."""
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    floor = project["requires-python"].removeprefix(">=")
    assert environment["dependencies"] == [
        f"python={floor}",
        "pip",
        {"pip": ["-r requirements.lock"]},
    ]


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_locks_pin_every_dependency_with_hashes_and_no_address(name):
    """Each line pins one version with hashes; what pyproject asks for is there."""
    text = (ROOT / name).read_text("utf-8")
    pins = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==\S+", text, re.MULTILINE)
    entries = re.split(r"(?m)^(?=[A-Za-z0-9])", text)
    assert all("--hash=sha256:" in entry for entry in entries if entry.strip())
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", text)
    assert len(pins) == len(set(pins))
    wanted = [*_list_needs("dev" if "dev" in name else "all"), "hatchling", "editables"]
    plain = {canonicalize_name(Requirement(line).name) for line in wanted}
    assert plain <= {canonicalize_name(pin) for pin in pins}


def _list_needs(extra):
    """Return what the package needs with an extra; extras that stand in it are followed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needs, names, seen = [*project["dependencies"]], [extra], set()
    while names:
        seen.add(name := names.pop())
        for line in project["optional-dependencies"][name]:
            need = Requirement(line)
            if canonicalize_name(need.name) == canonicalize_name(project["name"]):
                names += need.extras - seen
            else:
                needs.append(line)
    return needs


def test_the_dev_lock_holds_the_lock():
    """Tests run on the very versions that users get."""
    pins = [
        set(re.findall(r"(?m)^[A-Za-z0-9._\[\],-]+==[^ ;\\]+", (ROOT / name).read_text("utf-8")))
        for name in ("requirements.lock", "requirements-dev.lock")
    ]
    assert pins[0] <= pins[1]


@pytest.mark.slow
def test_locks_name_the_extras_that_packages_ask_of_each_other():
    """Else pip looks for the newest release of that package, and finds no hash for it."""
    text = (ROOT / "requirements-dev.lock").read_text("utf-8")
    pins = dict(re.findall(r"(?m)^([A-Za-z0-9._-]+)(\[[^\]]*\])?==", text))
    every = [
        Requirement(line) for name in pins if _installed(name) for line in requires(name) or []
    ]
    wanted = [need for need in every if need.extras and (not need.marker or need.marker.evaluate())]
    pinned = {
        canonicalize_name(name): extras.strip("[]").split(",") for name, extras in pins.items()
    }
    assert wanted
    missing = [
        need for need in wanted if not need.extras <= {*pinned[canonicalize_name(need.name)]}
    ]
    assert missing == []


def _installed(name):
    return any(True for _ in distributions(name=name))


def test_every_dependency_earns_a_line():
    """docs/decisions names each package that pyproject asks for at run time, in any extra."""
    names = [re.split(r"[<>=]", line)[0] for line in _list_needs("all") + _list_needs("cluster")]
    page = (ROOT / "docs/decisions/0003-dependencies.md").read_text("utf-8")
    assert [name for name in names if f"**{name}**" not in page] == []


RULE = re.compile(r"(?:\brules? |\()((?:[MVIRDQPGSWACT]\d)(?:(?:, | and |–)[MVIRDQPGSWACT]\d)*)")


def test_no_rule_is_orphaned():
    """Every rule of docs/method.md is named in code and in a test, and every one used is listed."""
    page = (ROOT / "docs/method.md").read_text("utf-8")
    listed = set(re.findall(r"(?m)^\| ([MVIRDQPGSWACT]\d) \|", page))
    code = "\n".join(_read(path)[0] for path in MODULES)
    tests = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py"))
    words_of_code, words_of_tests = (
        {*re.findall(r"\b[MVIRDQPGSWACT]\d\b", text)} for text in (code, tests)
    )
    named = {
        rule for rules in RULE.findall(code) for rule in re.findall(r"[MVIRDQPGSWACT]\d", rules)
    }
    assert listed - words_of_code == set()
    assert listed - words_of_tests == set()
    later = set(re.findall(r"(?m)^- \*\*([MVIRDQPGSWACT]\d)\*\*", page))
    assert named <= listed | later


def test_no_sentence_for_people_stands_in_code():
    """Every message id that the code says exists, and every sentence is said somewhere."""
    sentences = yaml.load((PACKAGE / "messages/en.yaml").read_text("utf-8"), yaml.CSafeLoader)
    ids = {key.removeprefix("page.") for key in sentences}  # said by the page in place of the other
    parts = [_read(path)[0] for path in MODULES]
    parts += [path.read_text("utf-8") for path in PACKAGE.rglob("*.j2")]
    code = "\n".join(parts).replace("'", '"')
    words = {*re.findall(r'"(?=([^"\s]+)")', code)}
    spoken = {key for key in ids if not words.isdisjoint({key, key.split(".", 1)[1]})}
    stems = {start.split("{")[0] for start in re.findall(r'f"([a-z_.]+\{)', code)}
    unsaid = {
        key
        for key in ids - spoken
        if not any(key.startswith(stem) for stem in stems - {"report.", "cli."} if "." in stem)
    }
    assert unsaid == set()


def test_the_readme_names_the_two_commands_that_the_makefile_has():
    """A stranger types what the README says."""
    readme, makefile = ((ROOT / name).read_text("utf-8") for name in ("README.md", "Makefile"))
    for target in ("report", "test"):
        assert f"make {target}" in readme
        assert re.search(rf"(?m)^{target}:", makefile)


def test_every_key_of_wave_yaml_and_units_csv_is_explained():
    """docs/wave.md is the page that a user looks for."""
    from sipas_analysis.collect.responses import Columns, Responses
    from sipas_analysis.collect.units import UNIT_COLUMNS
    from sipas_analysis.collect.wave import Wave

    page = (ROOT / "docs/wave.md").read_text("utf-8")
    keys = {*Wave.model_fields, *Columns.model_fields, *Responses.model_fields, *UNIT_COLUMNS}
    assert {key for key in keys if not re.search(rf"\b{key}\b", page)} == set()
