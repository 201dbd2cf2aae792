"""The runs of a store as a table reads them: the file itself and MLflow's library answer alike."""

import math
import sqlite3

import pytest
from many_runs import many_runs, run_id

from nbproj.errors import StoreError, UsageError
from nbproj.tracking.catalogue.database import DatabaseCatalogue
from nbproj.tracking.catalogue.memory import MemoryCatalogue
from nbproj.tracking.catalogue.opening import open_catalogue
from nbproj.tracking.catalogue.view import View
from nbproj.tracking.mlflow_store import open_store
from nbproj.tracking.store import Metric, RunNotFoundError

FILTERS = (
    "metrics.rmse < 1.4",
    "metrics.rmse >= 1.4 and params.optimizer = 'adam'",
    "metrics.rmse != 1.4",
    "params.lr LIKE '0.0%'",
    "params.optimizer LIKE 'ADAM'",
    "params.optimizer ILIKE 'ADAM'",
    "params.optimizer != 'adam'",
    "params.`seed` IS NULL",
    "params.seed IS NOT NULL and attributes.status = 'FAILED'",
    "tags.`mlflow.project.entryPoint` = 'train' and attributes.start_time > 1760000600000",
    "attributes.run_name LIKE 'batch-%'",
    "run_name = 'run-7'",
    "attributes.status != 'FINISHED'",
    f"attributes.run_id IN ('{run_id(3)}', '{run_id(4)}')",
    "user_id = 'ana'",
    "metrics.absent > 0",
)
SORTS = ("start_time", "name", "duration", "run_id", "status", "metrics.rmse", "params.lr", "params.optimizer", "params.absent", "entry_point")


@pytest.fixture(scope="module")
def uri(tmp_path_factory):
    made = many_runs(tmp_path_factory.mktemp("store") / "mlflow.db", 250, batch=100)
    with sqlite3.connect(made.removeprefix("sqlite:///")) as database:
        database.execute("UPDATE latest_metrics SET is_nan = 1, value = 0 WHERE key = 'rmse' AND run_uuid = ?", (run_id(7),))
        database.execute("UPDATE latest_metrics SET value = 1.7976931348623157e308 WHERE key = 'rmse' AND run_uuid = ?", (run_id(9),))
        database.execute("UPDATE params SET value = 'auto' WHERE key = 'lr' AND run_uuid = ?", (run_id(11),))
    database.close()
    return made


@pytest.fixture(scope="module")
def store(uri):
    return open_store(uri)


@pytest.fixture
def file(uri, store):
    made = open_catalogue(uri, "wine", lambda: store)
    assert isinstance(made, DatabaseCatalogue)
    yield made
    made.close()


@pytest.fixture
def library(store):
    return MemoryCatalogue(store, [store.experiment(name="wine")])


def ids(span):
    return [line.run_id for line in span.lines]


@pytest.mark.parametrize("text", FILTERS)
def test_a_filter_finds_what_mlflow_finds(file, store, text):
    expected = [record.run_id for record in store.search_runs(filter_string=text)]
    span = file.span(View(filter=text), 0, 1000)
    assert ids(span) == expected
    assert span.total == len(expected)


def test_a_filter_without_translation_is_answered_by_mlflow(file):
    assert file.span(View(filter="datasets.name = 'red'"), 0, 10).total == 0


def test_a_filter_that_is_not_understood_is_told_in_one_line(file, library):
    with pytest.raises(UsageError, match=r"the filter 'metrics\.rmse <' is not understood: ") as told:
        file.span(View(filter="metrics.rmse <"), 0, 10)
    assert "\n" not in str(told.value)
    with pytest.raises(StoreError):
        library.span(View(filter="metrics.rmse <"), 0, 10)


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("descending", [True, False])
def test_both_ways_of_reading_sort_alike(file, library, sort, descending):
    view = View(sort=sort, descending=descending)
    assert ids(file.span(view, 0, 1000)) == ids(library.span(view, 0, 1000))
    assert ids(file.span(view, 40, 30)) == ids(file.span(view, 0, 1000))[40:70]


@pytest.mark.parametrize("text", ["adam", "ADAM seed=4", "lr=auto", "run-12", run_id(5)[:10], "failed train", "50%", "no_such", "ana"])
def test_both_ways_of_reading_find_the_same_words(file, library, text):
    assert ids(file.span(View(text=text), 0, 1000)) == ids(library.span(View(text=text), 0, 1000))
    assert file.span(View(text=text), 3, 2).total == file.span(View(text=text), 0, 1000).total


def test_runs_without_a_value_are_last_in_both_orders(file):
    for descending in (True, False):
        last = ids(file.span(View(sort="metrics.rmse", descending=descending), 0, 1000))[-4:]
        assert set(last) == {run_id(0), run_id(100), run_id(200), run_id(7)}


def test_numbers_among_parameters_are_sorted_as_numbers_before_words(file):
    order = ids(file.span(View(sort="params.lr", descending=False), 0, 1000))
    records = file.records(order, ["params.lr"])
    texts = [records[one].params["lr"] for one in order if "lr" in records[one].params]
    assert [float(text) for text in texts[:-1]] == sorted(float(text) for text in texts[:-1])
    assert texts[-1] == "auto"


def test_runs_stand_below_their_batch_also_where_only_they_are_found(file, library):
    view = View(filter="metrics.rmse < 1.2", sort="metrics.rmse", descending=False, grouped=True, opened=frozenset({run_id(100)}))
    span = file.span(view, 0, 1000)
    assert [line.depth for line in span.lines].count(0) == span.total - sum(line.depth for line in span.lines)
    assert {line.run_id for line in span.lines if line.depth == 0} <= {run_id(0), run_id(100), run_id(200)}
    assert span.runs == file.span(View(filter=view.filter), 0, 1).total
    library.span(View(), 0, 1)
    assert library.span(view, 0, 1000).lines == span.lines


def test_records_hold_the_values_of_the_columns_as_mlflow_holds_them(file, store):
    columns = ["metrics.rmse", "params.lr", "tags.mlflow.source.name"]
    found = file.records([run_id(8), run_id(7), run_id(9)], columns)
    expected = store.get_run(run_id(8))
    assert found[run_id(8)].metrics == {"rmse": expected.metrics["rmse"]}
    assert found[run_id(8)].params == {"lr": expected.params["lr"]}
    assert found[run_id(8)].tags["mlflow.source.name"] == "wine"
    assert (found[run_id(8)].start_time, found[run_id(8)].end_time, found[run_id(8)].name) == (expected.start_time, expected.end_time, expected.name)
    assert math.isnan(found[run_id(7)].metrics["rmse"])
    assert found[run_id(9)].metrics["rmse"] == math.inf
    assert file.records([run_id(8)])[run_id(8)].metrics == expected.metrics
    assert file.records(["absent"]) == {}


def test_parameters_that_tell_runs_apart_are_the_first(file, library):
    assert list(file.keys().params)[-1] == list(library.keys().params)[-1] == "data"
    assert file.keys().metrics == library.keys().metrics == {"mae": 247, "r2": 247, "rmse": 247}


def test_a_course_is_read_by_steps_and_thinned(tmp_path):
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    store = open_store(uri)
    run = store.create_run(store.experiment(), name="long", tags={})
    store.log_metrics(run.run_id, [Metric("loss", (step * 37) % 101, 5000 - step, step) for step in range(900)])
    for catalogue in (DatabaseCatalogue(tmp_path / "mlflow.db"), MemoryCatalogue(store)):
        points = catalogue.history(run.run_id, "loss", 100)
        assert len(points) <= 100
        assert [point.step for point in points] == sorted(point.step for point in points)
        assert (points[0].step, points[-1].step) == (0, 899)
        assert {min(point.value for point in points), max(point.value for point in points)} == {0.0, 100.0}
        catalogue.close()


def test_a_change_is_seen_once(tmp_path):
    uri = many_runs(tmp_path / "mlflow.db", 3)
    store = open_store(uri)
    file, library = DatabaseCatalogue(tmp_path / "mlflow.db"), MemoryCatalogue(store)
    library.pause = 0.0
    file.has_changed()
    library.span(View(), 0, 10)
    library._next = 0.0
    assert not file.has_changed()
    assert not library.has_changed()
    store.log_metrics(run_id(1), [Metric("rmse", 0.5, 1, 9)])
    assert file.has_changed()
    assert not file.has_changed()
    library._next = 0.0
    assert library.has_changed()
    file.close()


def test_a_file_that_was_replaced_is_read_anew_and_one_that_is_gone_is_told(tmp_path):
    many_runs(tmp_path / "mlflow.db", 3)
    many_runs(tmp_path / "other.db", 5)
    file = DatabaseCatalogue(tmp_path / "mlflow.db")
    assert file.span(View(), 0, 9).total == 3
    (tmp_path / "other.db").replace(tmp_path / "mlflow.db")
    assert file.span(View(), 0, 9).total == 5
    (tmp_path / "mlflow.db").unlink()
    with pytest.raises(StoreError, match="cannot be read now"):
        file.span(View(), 0, 9)


def test_a_folder_of_files_is_read_by_the_library(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    uri = (tmp_path / "mlruns").as_uri()
    store = open_store(uri)
    run = store.create_run(store.experiment(name="old"), name="of a folder", tags={})
    catalogue = open_catalogue(uri, "old", lambda: store)
    assert isinstance(catalogue, MemoryCatalogue)
    assert ids(catalogue.span(View(), 0, 10)) == [run.run_id]


def test_an_experiment_or_store_that_is_not_there_is_told(uri, store, tmp_path):
    with pytest.raises(StoreError, match=r"there is no experiment 'wien' in .*\. Did you mean 'wine'\?"):
        open_catalogue(uri, "wien", lambda: store)
    with pytest.raises(RunNotFoundError, match="there are no runs yet"):
        open_catalogue(f"sqlite:///{tmp_path / 'none.db'}", None, lambda: store)
    assert open_catalogue(uri, store.experiment(name="wine"), lambda: store).span(View(), 0, 1).total == 250
