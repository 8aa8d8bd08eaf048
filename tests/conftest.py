"""A small office for tests: a pack of three items, two units, and files written by hand."""

import gc
import importlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, settings

from sipas_analysis.errors import SipasError

if TYPE_CHECKING:  # else pandas is loaded by the process that only deals out tests
    from sipas_analysis.collect.survey import Survey
    from sipas_analysis.figures.published import Figures

# Properties: the same examples at each run, however slow the machine. `quick` is what
# `make test` runs; `make test-full` tries 20 times as many, other ones each time.
settings.register_profile(
    "quick",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=10,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "full", settings.get_profile("quick"), derandomize=False, max_examples=200
)
settings.load_profile("quick")

# The libraries are some million objects that live until the end: the collector leaves them alone.
gc.set_threshold(50_000, 20, 20)


TESTS = Path(__file__).parent
ONLY_SLOW = re.compile(r"^pytestmark = (?:NEEDED|\[?\s*pytest\.mark\.slow\b)", re.MULTILINE)


def pytest_configure(config: pytest.Config) -> None:
    """Let the end of the process take everything down: the collector looks at nothing once more."""
    config.add_cleanup(gc.unfreeze)


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Import the tests from another file on in each worker: on a fresh clone all are compiled once.

    Workers collect in one order and at one speed; each would compile every file for itself.
    """
    config = session.config
    if not hasattr(config, "workerinput") or config.args != config.getini("testpaths"):
        return
    paths = sorted(TESTS.rglob("test_*.py"))
    worker = int(config.workerinput["workerid"].removeprefix("gw"))
    first = worker * len(paths) // config.workerinput["workercount"]
    for path in paths[first:] + paths[:first]:
        if is_collected(path, config):
            sys.path.insert(0, str(path.parent))  # as pytest does
            with suppress(Exception, pytest.skip.Exception):  # said when the file is collected
                importlib.import_module(path.stem)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out files of which every test is slow, where no slow test is asked for."""
    is_test = collection_path.suffix == ".py" and collection_path.name.startswith("test_")
    return True if is_test and not is_collected(collection_path, config) else None


def is_collected(path: Path, config: pytest.Config) -> bool:
    """Say whether a file may hold a test that ``-m`` asks for."""
    only_quick = config.option.markexpr.startswith("not slow")
    return not (only_quick and ONLY_SLOW.search(path.read_text("utf-8")))


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Make slow all cases of a test but ``quick_cases(n)`` of them, taken evenly from the list."""
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("quick_cases") and not item.get_closest_marker("slow"):
            cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for alike in cases.values():
        (n_quick,) = alike[0].get_closest_marker("quick_cases").args  # type: ignore[union-attr]
        quick = {at * len(alike) // n_quick for at in range(n_quick)}
        for at, item in enumerate(alike):
            if at not in quick:
                item.add_marker("slow")


def pytest_collection_finish() -> None:
    """Keep what is imported by now out of every later collection."""
    gc.collect()
    gc.freeze()


DATA = Path(__file__).parents[1] / "data"

PACK = """\
id: small
title: {vi: Bộ nhỏ, en: A small pack}
source: made for tests
status: unverified
scale:
  blank: ["9"]
  labels:
    1: {vi: Rất không hài lòng, en: Very dissatisfied}
    2: {vi: Không hài lòng, en: Dissatisfied}
    3: {vi: Bình thường, en: Neutral}
    4: {vi: Hài lòng, en: Satisfied}
    5: {vi: Rất hài lòng, en: Very satisfied}
factors:
  access: {vi: Tiếp cận dịch vụ, en: Access}
  results: {vi: Kết quả, en: Results}
items:
  A1: {factor: access, vi: "Nơi ngồi chờ có đủ chỗ ngồi", en: Enough seats, status: sourced}
  A2: {factor: access, vi: Trang thiết bị hiện đại, en: Modern equipment, status: derived}
  D1: {factor: results, vi: Kết quả đúng quy định, en: The result is as regulated}
overall_item: {code: OVERALL, vi: Hài lòng chung, en: Satisfaction as a whole}
indicators:
  sex:
    group: profile
    vi: Giới tính
    en: Sex
    levels: {male: {vi: Nam, en: Male}, female: {vi: Nữ, en: Female}}
  vulnerable:
    group: profile
    kind: many
    vi: Nhóm ưu tiên
    en: Vulnerable groups
    levels: {HN: {vi: Hộ nghèo, en: Poor}, NCC: {vi: Người có công, en: Merit}, KHAC: {vi: Khác}}
"""

UNITS = """\
code,name_vi,name_en,group,aliases
so-a,Sở A,Department A,departments,SA;Sở Á
so-b,Sở B,Department B,departments,
"""

FACTS: dict[str, Any] = {
    "id": "small-2024",
    "title": {"vi": "Đợt nhỏ", "en": "A small wave"},
    "year": 2024,
    "instrument": "pack.yaml",
    "responses": [{"file": "answers.csv"}],
    "columns": {"unit": "unit"},
}


def write_wave(
    folder: Path,
    answers: str | bytes | None = None,
    units: str = UNITS,
    pack: str = PACK,
    **facts: Any,
) -> Path:
    """Write a wave; ``facts`` go before the usual ones, bytes and text before the usual files."""
    (folder / "pack.yaml").write_text(pack, "utf-8")
    (folder / "units.csv").write_text(units, "utf-8")
    if answers is not None:
        content = answers.encode("utf-8") if isinstance(answers, str) else answers
        (folder / "answers.csv").write_bytes(content)
    path = folder / "wave.yaml"
    path.write_text(yaml.dump(FACTS | facts, Dumper=yaml.CSafeDumper, allow_unicode=True), "utf-8")
    return path


def write_book(path: Path, merge: Iterable[str] = (), **sheets: Sequence[Sequence[Any]]) -> Path:
    """Write a workbook from rows by sheet; ``merge`` joins cells of the first sheet."""
    from openpyxl import Workbook

    workbook = Workbook()
    workbook.remove(workbook.active)
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(row)
    for cells in merge:
        workbook.worksheets[0].merge_cells(cells)
    workbook.save(path)
    return path


def read_wave_survey(path: Path) -> "Survey":
    """Read the survey of a wave."""
    from sipas_analysis.collect.survey import read_survey
    from sipas_analysis.collect.wave import read_wave

    return read_survey(read_wave(path))


@pytest.fixture
def tmp_path(tmp_path: Path) -> Path:
    """A folder that stands alone: a draft reads the waves that stand beside its own."""
    folder = tmp_path / "test"
    folder.mkdir()
    return folder


@pytest.fixture
def make_wave(tmp_path: Path) -> Callable[..., Path]:
    """Write a wave into the folder of the test: the arguments of ``write_wave``."""
    return partial(write_wave, tmp_path)


@pytest.fixture
def read_answers(make_wave: Callable[..., Path]) -> Callable[..., "Survey"]:
    """Write a wave and read its survey: the same arguments as ``make_wave``."""

    def read(answers: str | bytes | None = None, **facts: Any) -> "Survey":
        return read_wave_survey(make_wave(answers, **facts))

    return read


@pytest.fixture
def refused(read_answers: Callable[..., "Survey"]) -> Callable[..., SipasError]:
    """Read answers that cannot stand and return the error: answers, its class, facts."""

    def read(
        answers: str | bytes | None = None, kind: type[SipasError] = SipasError, **facts: Any
    ) -> SipasError:
        with pytest.raises(kind) as caught:
            read_answers(answers, **facts)
        return caught.value

    return read


@pytest.fixture(scope="module")
def read_shared(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., "Survey"]:
    """As ``read_answers``, for surveys that the tests of a module share and only read."""

    def read(answers: str, **facts: Any) -> "Survey":
        folder = tmp_path_factory.mktemp("wave")
        return read_wave_survey(write_wave(folder, answers, **facts))

    return read


class KeptFigures(dict[int, "Figures"]):
    """What ``figures_of`` remembers: the last survey, and beside it every demo that was read."""

    def clear(self) -> None:
        """Forget all but the demos: their figures are the most that tests compute."""
        demos = {id(demo) for demo in DEMOS}
        for key in self.keys() - demos:
            del self[key]


DEMOS: list["Survey"] = []


@cache
def read_demo(year: int) -> "Survey":
    """Return a demo wave, read once for all tests of a process; only to be read."""
    from sipas_analysis.figures import published

    if not DEMOS:
        published._FIGURES = KeptFigures(published._FIGURES)
    DEMOS.append(read_wave_survey(DATA / f"an-giang-{year}"))
    return DEMOS[-1]


@pytest.fixture(scope="session")
def demo_2021() -> "Survey":
    """The demo wave of 2021, for tests that only read it."""
    return read_demo(2021)


@pytest.fixture(scope="session")
def demo_2023() -> "Survey":
    """The demo wave of 2023, which names those of 2020 and 2021; only to be read."""
    return read_demo(2023)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One browser for all tests that need one (``tests/browser.py``)."""
    from browser import Browser

    chromium = Browser(tmp_path_factory.mktemp("profile"))
    yield chromium
    chromium.close()
