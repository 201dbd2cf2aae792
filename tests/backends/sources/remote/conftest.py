"""Fixtures of downloads: servers, and functions that fetch from them."""

from __future__ import annotations

import logging
import threading

import pytest
from remote_servers import Bucket, Front, Host, served

from nbproj.errors import SourceError
from nbproj.project.remote import Remote
from nbproj.sources.remote.downloads import Downloads


@pytest.fixture
def host():
    with served(Host()) as server:
        yield server


@pytest.fixture
def other_host():
    with served(Host()) as server:
        yield server


@pytest.fixture(autouse=True)
def quick(folders, monkeypatch):
    """Keep downloads in the cache, and try again at once."""
    monkeypatch.delenv("MLFLOW_TMP_DIR")
    monkeypatch.setattr("nbproj.sources.remote.web._PAUSE_SECONDS", 0.01)


@pytest.fixture
def storage(tmp_path):
    return tmp_path / "storage"


@pytest.fixture
def bring(storage):
    """Return a function that fetches an address and tells where it is; what happened stands in its `events`."""

    def fetch(address, load=None, folder=storage):
        fetch.events.clear()
        with Downloads(lambda: folder) as downloads:
            return downloads.bring([Remote(address)], load, "store", fetch.events.append)[address]

    fetch.events = []
    fetch.steps = lambda: [event.step for event in fetch.events]
    fetch.last = lambda: fetch.events[-1].text
    return fetch


@pytest.fixture
def refused(bring):
    """Return a function that gives the one line with which an address is refused."""

    def fetch(address, **options):
        with pytest.raises(SourceError) as caught:
            bring(address, **options)
        assert "\n" not in str(caught.value)
        assert caught.value.exit_code == 121
        return str(caught.value)

    return fetch


@pytest.fixture(scope="module")
def front():
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    application = Front(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    application.url = f"http://127.0.0.1:{server.server_port}"
    yield application
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def client(front):
    import boto3

    made = boto3.client("s3", endpoint_url=front.url, aws_access_key_id="testing", aws_secret_access_key="testing", region_name="us-east-1")
    yield made
    made.close()


@pytest.fixture
def bucket(front, client, monkeypatch):
    for name, value in {
        "AWS_ENDPOINT_URL": front.url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing-secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    made = Bucket(client, front)
    yield made
    front.spoil = front.refuse = None
    front.seconds = 0.0
    front.checksums = True
