"""Two drivers of one batch: the second is told who has it."""

from __future__ import annotations

import json

import pytest

from nbproj.batches.lock import BatchLock
from nbproj.errors import RunError
from nbproj.processes import host_name


@pytest.mark.parametrize(("host", "told"), [(host_name(), r"carried by process 7 already"), ("node7", r"carried by process 7 on host node7 already")])
def test_the_second_driver_is_told_which_process_has_the_batch_and_where(tmp_path, monkeypatch, host, told):
    monkeypatch.setenv("NBPROJ_STATE_DIR", str(tmp_path))
    with BatchLock("sqlite:///mlflow.db", "key"):
        (file,) = tmp_path.rglob("*.lock")
        file.write_text(json.dumps({"host": host, "boot": "b", "pid": 7, "started": 1.0}))
        with pytest.raises(RunError, match=told), BatchLock("sqlite:///mlflow.db", "key"):
            pass
