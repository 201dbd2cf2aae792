"""What servers leave on the disk, and what JupyterHub says in the environment."""

from __future__ import annotations

import json
import os

import pytest

from nbproj.current.server import servers

HUB = {"JUPYTERHUB_SERVICE_PREFIX": "/user/ana/", "JUPYTERHUB_API_TOKEN": "of-the-hub", "JUPYTERHUB_SERVICE_URL": "http://0.0.0.0:8888/user/ana/"}


@pytest.fixture
def recorded(tmp_path):
    """Return a function that leaves a server's file and returns what is understood of it."""

    def leave(environ=None, **info):
        (tmp_path / "jpserver-1.json").write_text(json.dumps({"pid": os.getpid(), "port": 8888, "base_url": "/", **info}))
        return servers([tmp_path, tmp_path / "absent"], environ or {}, parent=1)

    return leave


def test_the_hubs_token_goes_to_the_hubs_server_only(recorded):
    mine, other = recorded(HUB, base_url="/user/ana/", token=""), recorded(HUB, base_url="/", token="")
    assert [(one.host, one.base, one.token) for one in mine] == [("127.0.0.1", "/user/ana/", "of-the-hub")]
    assert [(one.base, one.token) for one in other] == [("/", ""), ("/user/ana/", "of-the-hub")]


@pytest.mark.parametrize(("hostname", "host"), [("0.0.0.0", "127.0.0.1"), ("", "127.0.0.1"), ("::", "::1"), ("localhost", "localhost")])
def test_a_server_that_listens_everywhere_is_asked_on_this_machine(recorded, hostname, host):
    assert [one.host for one in recorded(hostname=hostname)] == [host]


def test_the_server_that_started_us_is_asked_first(tmp_path):
    for number, pid in enumerate((os.getppid(), os.getpid())):
        (tmp_path / f"jpserver-{number}.json").write_text(json.dumps({"pid": pid, "port": 1000 + number}))
    assert [one.pid for one in servers([tmp_path], {}, parent=os.getpid())] == [os.getpid(), os.getppid()]


def test_a_token_is_not_shown(recorded):
    assert "hidden" not in repr(recorded(token="hidden"))


@pytest.mark.parametrize("url", ["http://", "http://x:notaport/", "nonsense", "http://[::1"])
def test_a_strange_address_of_a_hub_is_passed_over(url):
    assert servers([], {"JUPYTERHUB_SERVICE_URL": url}, parent=1) == []
