"""A backend as people have written them for `mlflow run`, with MLflow's own helpers; it knows nothing of nbproj."""

import os
import signal
import subprocess
import time

from mlflow.projects.backend.abstract_backend import AbstractBackend
from mlflow.projects.submitted_run import SubmittedRun
from mlflow.projects.utils import fetch_and_validate_project, get_entry_point_command, get_or_create_run, get_run_env_vars, load_project


class ShedRun(SubmittedRun):
    def __init__(self, run_id, process):
        super().__init__()
        self._run_id, self._process = run_id, process

    @property
    def run_id(self):
        return self._run_id

    def wait(self):
        return self._process.wait() == 0

    def get_status(self):
        return {None: "RUNNING", 0: "FINISHED"}.get(self._process.poll(), "FAILED")

    def cancel(self):
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait()
        print("the shed is closed", flush=True)


class ShedBackend(AbstractBackend):
    def run(self, project_uri, entry_point, params, version, backend_config, tracking_uri, experiment_id):
        mode = backend_config.get("mode")
        if mode == "raise":
            msg = f"no key for the shed: {os.environ['SHED_TOKEN']}"
            raise KeyError(msg)
        if mode == "nothing":
            return None
        if mode == "hang":
            time.sleep(600)
        folder = fetch_and_validate_project(project_uri, version, entry_point, params)
        run = get_or_create_run(None, project_uri, experiment_id, folder, version, entry_point, params)
        command = get_entry_point_command(load_project(folder), entry_point, params, None)
        environment = {**os.environ, **get_run_env_vars(run.info.run_id, experiment_id), "SHED": str(backend_config["ENV_MANAGER"])}
        process = subprocess.Popen(["bash", "-c", " && ".join(command)], cwd=folder, env=environment, start_new_session=True)
        return ShedRun(run.info.run_id, process)
