"""The key of a run: the same for what means the same, another for what does not."""

from __future__ import annotations

import shutil

import pytest

from nbproj.backends.registry import find_backend
from nbproj.batches.key import Keys
from nbproj.identity import digests
from nbproj.identity.key import ground_of, point_key
from nbproj.order import Order
from nbproj.request import resolve_request
from nbproj.sources.registry import fetch

MLPROJECT = """
entry_points:
  main: &it
    parameters:
      alpha: {type: float, default: 0.5}
      model: {type: string, default: ridge}
      layers: {type: list, default: []}
      data: {type: path, default: data.csv}
      out: {type: path, default: out.txt, exists: false}
      where: {type: uri, default: some/place}
      token: {type: string, secret: true, optional: true}
    command: python train.py
  other: *it
"""


@pytest.fixture
def folder(project):
    return project(MLPROJECT, train__py="print(1)", data__csv="1,2", requirements__txt="")


@pytest.fixture
def request_of(folder, store):
    """Return a function that resolves an order of the project, without carrying it out."""

    def resolve(entry_point="main", uri=None, env_manager="local", version=None, **parameters):
        order = Order(str(uri or folder), entry_point, parameters=parameters, env_manager=env_manager, version=version, base=folder)
        return resolve_request(order, fetch(order.uri, version), find_backend("local"), lambda: store)

    return resolve


def key(request):
    return point_key(ground_of(request), request.entry_point, request.resolved)


def test_values_that_mean_the_same_have_one_key(request_of):
    expected = key(request_of())
    for same in ({"alpha": "5e-1"}, {"alpha": 0.5}, {"model": "ridge"}, {"layers": "[]"}, {"layers": []}, {"data": "./data.csv"}):
        assert key(request_of(**same)) == expected, same


def test_another_value_parameter_entry_point_or_environment_is_another_key(request_of):
    others = [{}, {"alpha": 0.6}, {"model": "0.5"}, {"layers": ["[]"]}, {"extra": "1"}, {"extra": "2"}, {"where": "s3://bucket"}, {"out": "o.txt"}]
    requests = [request_of(**one) for one in others]
    requests += [request_of("other"), request_of(env_manager="uv"), request_of("train.py")]
    assert len({key(one) for one in requests}) == len(requests)


def test_a_path_counts_by_its_content_and_the_end_of_its_name(request_of, folder, tmp_path):
    expected = key(request_of())
    shutil.copy(folder / "data.csv", tmp_path / "copy.csv")
    assert key(request_of(data=tmp_path / "copy.csv")) == expected
    shutil.copy(folder / "data.csv", tmp_path / "copy.tsv")
    assert key(request_of(data=tmp_path / "copy.tsv")) != expected
    (tmp_path / "copy.csv").write_text("1,3")
    assert key(request_of(data=tmp_path / "copy.csv")) != expected


def test_a_folder_counts_by_the_files_in_it(request_of, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub/a.csv").write_text("1")
    one, two = (key(request_of(data=tmp_path / name)) for name in ("one", "two"))
    assert one == two
    for name in ("mlflow.db", "sub/mlruns/0/a.txt", "sub/.ipynb_checkpoints/x"):
        (tmp_path / "two" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "two" / name).write_text("left by a run")
    assert key(request_of(data=tmp_path / "two")) == one
    (tmp_path / "two/sub/b.csv").write_text("1")
    assert key(request_of(data=tmp_path / "two")) != one


def test_an_output_is_no_part_of_the_source_wherever_it_is_written(request_of, folder):
    expected, other = key(request_of()), key(request_of(out="sub/o.txt"))
    (folder / "out.txt").write_text("made by a run")
    assert key(request_of()) == expected
    (folder / "out.txt").unlink()
    (folder / "sub").mkdir()
    (folder / "sub/o.txt").write_text("made by a run")
    assert key(request_of(out="sub/o.txt")) == other


def test_a_secret_is_no_part_of_the_key(request_of, monkeypatch):
    expected = key(request_of())
    assert key(request_of(token="s3cret")) == expected
    monkeypatch.setenv("TOKEN", "another")
    assert key(request_of()) == expected


def test_a_changed_file_is_another_key_and_its_old_content_the_old_key(request_of, folder):
    expected = key(request_of())
    (folder / "train.py").write_text("print(2)")
    assert key(request_of()) != expected
    (folder / "train.py").write_text("print(1)")
    assert key(request_of()) == expected


def test_a_project_that_lies_elsewhere_has_the_same_keys(request_of, folder, tmp_path):
    shutil.make_archive(str(tmp_path / "p"), "zip", folder)
    assert key(request_of(uri=tmp_path / "p.zip", alpha=0.7, data=folder / "data.csv")) == key(request_of(alpha=0.7))


def test_a_thousand_keys_read_the_project_once(request_of, folder, monkeypatch):
    read = []
    before = digests._of_bytes
    monkeypatch.setattr(digests, "_of_bytes", lambda path: read.append(path.name) or before(path))
    requests = [request_of(alpha=number) for number in range(3)]
    with Keys(requests[0]) as keys:
        assert sorted(set(read)) == ["MLproject", "data.csv", "requirements.txt", "train.py"]
        read.clear()
        assert len({keys.of(requests[number % 3]) for number in range(1000)}) == 3
    assert set(read) <= {"data.csv"}
