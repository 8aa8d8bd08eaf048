"""A sample in memory, in files, on many machines: the same bits, or a refusal, never a part."""

import os
import signal
import time
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.errors import DesignError, FileError, SipasError

FILES, MANY = 5, 20  # of the quick tests, and of the slow ones
ITEMS = ["answer", "waited", "paid", "seen"]
DESIGNS = {
    "strata and clusters": {"weights": "w", "strata": "district", "clusters": "hamlet"},
    "clusters": {"weights": "w", "clusters": "place"},
    "single forms": {"weights": "w"},
    "strata": {"weights": "w", "strata": "district"},
    "no weights": {"clusters": "place"},
    "two stages": {"weights": "w", "clusters": ["place", "day"], "fpc": ["f", "g"]},
}
pytestmark = [  # tests/unit/infer holds the quick ones
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def forms(n=4000, seed=7):
    """Odd weights, blanks, floats far from 0, units across clusters, a few forms of no unit."""
    rng = np.random.default_rng(seed)
    hamlet = rng.integers(0, 9, n)
    district = rng.integers(0, 6, n)
    answer = rng.integers(1, 6, n).astype(float)
    answer[rng.random(n) < 0.05] = np.nan
    waited = rng.lognormal(3, 1, n)
    waited[rng.random(n) < 0.1] = np.nan
    unit = np.array([f"so-{k:02d}" for k in rng.integers(0, 12, n)], dtype=object)
    unit[rng.random(n) < 0.01] = None
    return pd.DataFrame(
        {
            "unit": unit,
            "district": [f"d{k}" for k in district],
            "hamlet": hamlet,
            "place": district * 100 + hamlet,
            "day": rng.integers(0, 3, n),
            "f": 0.1,
            "g": 0.3,
            "w": rng.lognormal(0, 1.5, n) / 3,
            "answer": answer,
            "waited": waited,
            "paid": 1e6 + rng.normal(0, 7, n),
            "seen": rng.random(n) < 0.4,
            "sex": rng.choice(["female", "male"], n),
        }
    )


def save(frame, path):
    """Write one file; floats of a CSV at full length."""
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
        return
    duckdb.register("forms", frame)
    duckdb.execute(f"COPY forms TO '{path}' (FORMAT parquet)")


def split(frame, folder, kind="parquet", seed=None, n_files=FILES):
    """Write some files, of equal size or cut anywhere; return a pattern for all."""
    folder.mkdir(exist_ok=True)
    cuts = np.arange(1, n_files) * len(frame) // n_files
    if seed is not None:
        rng = np.random.default_rng(seed)
        frame = frame.iloc[rng.permutation(len(frame))].reset_index(drop=True)
        cuts = np.sort(rng.choice(np.arange(1, len(frame)), n_files - 1, replace=False))
    for at, rows in enumerate(np.split(np.arange(len(frame)), cuts)):
        save(frame.iloc[rows].reset_index(drop=True), folder / f"part-{at:02d}.{kind}")
    return str(folder / f"*.{kind}")


def figures(data, workers=None, **design):
    """Means of all kinds of variables and shares of a text one."""
    one = sipas.Design(data, workers=workers, **design)
    found = [sipas.mean(one, ITEMS, by="unit"), sipas.proportion(one, "sex", by="unit")]
    return pd.concat([it.to_frame() for it in found], ignore_index=True)


def means(data, items=ITEMS, **design):
    return sipas.mean(sipas.Design(data, **design), items, by="unit").to_frame()


def assert_same_bits(one, other):
    for name in ("value", "se", "low", "high", "deff", "n_eff"):
        a, b = one[name].to_numpy(), other[name].to_numpy()
        assert ((a == b) | (np.isnan(a) & np.isnan(b))).all(), name
    pd.testing.assert_frame_equal(one, other, check_exact=True)


@pytest.fixture(scope="module")
def sample():
    return forms()


@pytest.fixture(scope="module")
def parquet(sample, tmp_path_factory):
    return split(sample, tmp_path_factory.mktemp("parquet"))


@pytest.fixture(scope="module")
def many_files(sample, tmp_path_factory):
    return split(sample, tmp_path_factory.mktemp("parquet"), n_files=MANY)


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNS)
def test_files_give_the_same_bits_as_memory(name, sample, many_files):
    """20 files through DuckDB: every column of every estimate (rules V8 and V9)."""
    local = figures(sample, **DESIGNS[name])
    assert local["se"].notna().sum() > 50
    assert_same_bits(figures(many_files, **DESIGNS[name]), local)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["strata and clusters", "single forms"])
def test_csv_files_give_the_same_bits_as_memory(name, sample, tmp_path):
    """Floats are written at full length."""
    pattern = split(sample, tmp_path, "csv")
    numbers = ["answer", "waited", "paid"]
    local = means(sample, numbers, **DESIGNS[name])
    assert_same_bits(means(pattern, numbers, **DESIGNS[name]), local)


@pytest.mark.parametrize("name", DESIGNS)
def test_any_order_and_any_split_give_the_same_bits(name, sample, tmp_path):
    """Shuffled rows, cut anywhere, and a shuffled frame: sums are whole numbers (rule V9)."""
    local = means(sample, **DESIGNS[name])
    mixed = sample.sample(frac=1, random_state=1)
    assert_same_bits(means(mixed, **DESIGNS[name]), local)
    assert_same_bits(means(split(sample, tmp_path, seed=1), **DESIGNS[name]), local)


def test_a_block_from_files_is_the_block_from_memory(sample, parquet):
    """Not only what is printed: totals, parts, second moments."""
    for design in (DESIGNS["strata and clusters"], DESIGNS["strata"]):
        one, other = (
            sipas.mean(sipas.Design(data, **design), ITEMS, by="unit").totals
            for data in (sample, parquet)
        )
        for name in ("total", "part", "part_people", "domain", "cell", "moment"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)


def test_many_pieces_of_one_file_add_up(tmp_path):
    """A file of more rows than are read at a time."""
    many = forms(210_000, seed=8)[["unit", "place", "w", "answer", "waited"]]
    save(many, tmp_path / "all.parquet")
    one, other = (
        sipas.mean(sipas.Design(data, "w", clusters="place"), ["answer", "waited"], by="unit")
        for data in (many, tmp_path / "all.parquet")
    )
    assert_same_bits(one.to_frame(), other.to_frame())


def one_cluster(frame):
    return frame.assign(hamlet=frame["hamlet"].where(frame["district"] != "d3", 4))


def wrong_weight(number):
    """A wrong weight in the last file but one."""

    def change(frame):
        changed = frame["w"].copy()
        changed.iloc[len(frame) * (FILES - 2) // FILES + 5] = number
        return frame.assign(w=changed)

    return change


BAD = {
    "a negative weight": (wrong_weight(-1.0), {}, "design_weight"),
    "a blank weight": (wrong_weight(np.nan), {}, "design_weight"),
    "an infinite weight": (wrong_weight(np.inf), {}, "design_weight"),
    "a lonely stratum": (one_cluster, {}, "design_lonely"),
    "a cluster in two strata": (lambda f: f, {"nested": False}, "design_nested"),
    "no such stratum": (lambda f: f.drop(columns="district"), {}, "design_column"),
    "no such weight": (lambda f: f.drop(columns="w"), {}, "design_column"),
    "no such variable": (lambda f: f.drop(columns="answer"), {}, "design_column"),
    "a blank cluster": (
        lambda f: f.assign(hamlet=f["hamlet"].where(f.index != 7)),
        {},
        "design_blank",
    ),
    "an infinite answer": (lambda f: f.assign(answer=np.inf), {}, "design_infinite"),
    "text for a number": (lambda f: f.assign(answer="4,5"), {}, "mean_digits"),
}


def refused(data, workers=None, **changes):
    facts = {"workers": workers, **DESIGNS["strata and clusters"], **changes}
    with pytest.raises(DesignError) as caught:
        sipas.mean(sipas.Design(data, **facts), "answer", by="unit")
    return caught.value


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_is_refused_from_memory_and_from_files(name, sample, tmp_path):
    """The same sentence for both; a weight in a file is named by its file."""
    change, changes, message = BAD[name]
    wrong = change(sample)
    errors = [refused(data, **changes) for data in (wrong, split(wrong, tmp_path))]
    assert [error.message_id for error in errors] == [message] * 2
    for error in errors:
        assert all("{" not in error.text(language) for language in ("vi", "en"))
    if message == "design_weight":
        assert "part-03.parquet" in str(errors[1])


def test_a_missing_file_is_named(parquet):
    with pytest.raises(FileError, match=r"gone\.parquet"):
        figures([parquet, str(Path(parquet).parent / "gone.parquet")], weights="w")


def test_a_file_that_is_none_is_named(sample, tmp_path):
    pattern = split(sample, tmp_path)
    (tmp_path / "part-02.parquet").write_text("not a table")
    with pytest.raises(FileError, match=r"part-02\.parquet"):
        figures(pattern, weights="w")


@pytest.mark.parametrize("lacks", ["answer", "hamlet", "w"])
def test_one_file_without_a_column_is_refused(lacks, sample, tmp_path):
    pattern = split(sample, tmp_path)
    last = sample.tail(200).reset_index(drop=True)
    save(last.drop(columns=lacks), tmp_path / "part-03.parquet")
    assert refused(pattern).message_id == "design_column"


def nan_in_parquet(folder):
    """Not every writer turns NaN into a blank."""
    duckdb.sql(f"COPY (FROM (VALUES (1.0), ('nan'::DOUBLE), (4.0)) t(y)) TO '{folder}/a.parquet'")
    return "parquet", {}


def a_file_without_rows(folder):
    duckdb.sql(f"COPY (FROM (VALUES (1.0::DOUBLE), (4.0)) t(y)) TO '{folder}/a.parquet'")
    duckdb.sql(f"COPY (SELECT 1.0::DOUBLE AS y WHERE false) TO '{folder}/b.parquet'")
    return "parquet", {}


def text_where_all_is_blank(folder):
    duckdb.sql(f"COPY (SELECT NULL::VARCHAR AS y) TO '{folder}/a.parquet'")
    duckdb.sql(f"COPY (FROM (VALUES (1.0::DOUBLE), (4.0)) t(y)) TO '{folder}/b.parquet'")
    return "parquet", {}


def true_and_false_in_csv(folder):
    (folder / "a.csv").write_text("y\nTrue\nFalse\n")
    return "csv", {}


def ids_that_are_numbers_in_one_file(folder):
    """Cluster 3 is one cluster, also where another file has an id x4."""
    (folder / "a.csv").write_text("y,h\n1,1\n2,2\n3,3\n5,3\n")
    (folder / "b.csv").write_text("y,h\n1,3\n4,x4\n")
    return "csv", {"clusters": "h"}


@pytest.mark.parametrize(
    "write",
    [nan_in_parquet, a_file_without_rows, true_and_false_in_csv],
)
def test_files_that_differ_are_read_as_one_sample(write, tmp_path):
    kind, design = write(tmp_path)
    paths = sorted(tmp_path.glob(f"*.{kind}"))
    read = [
        pd.read_csv(path, dtype={"h": str})
        if kind == "csv"
        else duckdb.sql(f"SELECT y::DOUBLE AS y FROM '{path}'").df()
        for path in paths
    ]
    local = pd.concat([frame for frame in read if len(frame)], ignore_index=True)
    far = sipas.mean(sipas.Design(paths, **design), "y").to_frame()
    assert_same_bits(far, sipas.mean(sipas.Design(local, **design), "y").to_frame())


@pytest.mark.parametrize("write", [text_where_all_is_blank, ids_that_are_numbers_in_one_file])
def test_a_column_of_two_kinds_is_refused(write, tmp_path):
    """Cluster 3 and cluster "3" would count as two."""
    kind, design = write(tmp_path)
    paths = sorted(tmp_path.glob(f"*.{kind}"))
    with pytest.raises(DesignError) as caught:
        sipas.mean(sipas.Design(paths, **design), "y")
    assert caught.value.message_id == "files_differ"


@pytest.mark.parametrize("kind", ["Int8", "boolean"])
def test_blanks_of_nullable_columns_are_blanks(kind):
    """DuckDB hands out such columns."""
    frame = pd.DataFrame({"y": pd.array([1, None, 0, 1], dtype=kind)})
    found = [sipas.mean(sipas.Design(it), "y").to_frame() for it in (frame, frame.astype(float))]
    assert_same_bits(*found)


@pytest.mark.parametrize("facts", [{"weights": "sex"}, {"by": "ward"}, {"data": []}], ids=str)
def test_a_wrong_call_on_files_is_refused_in_words(facts, parquet):
    """Text as weights, an unknown key, no file: not an error of DuckDB or of Python."""
    with pytest.raises(SipasError):
        sipas.mean(
            sipas.Design(facts.get("data", parquet), facts.get("weights")),
            "answer",
            by=facts.get("by", "unit"),
        )


# Dask. The first import of distributed and its clusters close sockets late.

machines = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),
]


def cluster(**more):
    from distributed import LocalCluster

    facts = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    return LocalCluster(**facts | more)


def deadly(flag, after, forever):
    """Return a plugin that kills its worker by SIGKILL; once, or each new worker again.

    Made inside a function, so that it travels whole.
    """
    from distributed import WorkerPlugin

    class Deadly(WorkerPlugin):
        name = "deadly"
        seen = 0

        def transition(self, key, start, finish, **more):
            self.seen += finish == ("executing" if forever else "memory")
            if self.seen > after and (forever or not flag.exists()):
                with flag.open("a") as file:
                    file.write("x")
                os.kill(os.getpid(), signal.SIGKILL)

    return Deadly()


class TestMachines:
    pytestmark = machines

    @pytest.fixture(scope="class")
    def client(self):
        """Two workers that nobody kills, for the tests that kill none; the last one ends them."""
        import dask
        import distributed  # noqa: F401 (its settings are there from now on)

        patience = {"distributed.scheduler.no-workers-timeout": "2s"}  # a cluster reads it once
        with dask.config.set(patience):
            here = cluster()
        with here, here.get_client() as client:
            yield client

    @pytest.mark.parametrize("name", ["strata and clusters", "single forms"])
    def test_workers_give_the_same_bits(self, name, client, sample, many_files):
        far = figures(many_files, workers=client, **DESIGNS[name])
        assert_same_bits(far, figures(sample, **DESIGNS[name]))

    def test_errors_of_workers_read_as_here(self, client, sample, tmp_path):
        pattern = split(wrong_weight(-1.0)(sample), tmp_path)
        error = refused(pattern, workers=client)
        lacking = refused(pattern, workers=client, weights="v")
        assert error.message_id == "design_weight"
        assert "part-03.parquet" in str(error)
        assert lacking.message_id == "design_column"

    def test_when_no_worker_is_left_there_is_no_figure(self, client, many_files):
        """Nobody comes back: an error after the time that the cluster allows."""
        client.cluster.scale(0)
        while client.scheduler_info()["workers"]:
            time.sleep(0.1)
        with pytest.raises(Exception, match=r"(?i)worker"):
            sipas.mean(sipas.Design(many_files, workers=client), ITEMS, by="unit")

    @pytest.mark.parametrize("after", [3, 14])
    def test_a_killed_worker_is_survived(self, after, sample, many_files, tmp_path):
        """Killed while facts are gathered, or while forms are counted: its files start again."""
        flag = tmp_path / "died"
        with cluster() as here, here.get_client() as client:
            client.register_plugin(deadly(flag, after, forever=False))
            design = sipas.Design(many_files, workers=client, **DESIGNS["strata and clusters"])
            far = sipas.mean(design, ITEMS, by="unit").to_frame()
        assert flag.read_text() == "x"
        design = sipas.Design(sample, **DESIGNS["strata and clusters"])
        assert_same_bits(far, sipas.mean(design, ITEMS, by="unit").to_frame())

    def test_when_every_worker_dies_there_is_no_figure(self, many_files, tmp_path):
        """Each new worker dies too: an error, never a partial sum."""
        import dask
        from distributed import KilledWorker

        patience = {"distributed.scheduler.allowed-failures": 1}
        with dask.config.set(patience), cluster() as here, here.get_client() as client:
            client.register_plugin(deadly(tmp_path / "died", 2, forever=True))
            with pytest.raises((KilledWorker, SipasError)):
                sipas.mean(sipas.Design(many_files, workers=client), ITEMS, by="unit")
