"""Who may ask what: every route and verb, walked as it is registered."""

from __future__ import annotations

import functools
import re
from urllib.parse import urlencode

import pytest
from jupyter_server.auth.authorizer import Authorizer
from tornado.routing import PathMatches
from tornado.web import Application, RequestHandler

from nbproj.server.app import ROUTES

pytest_plugins = ("pytest_jupyter.jupyter_server",)

VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
READING = {"GET", "HEAD"}
RUN = "0" * 32
KNOWN = {
    "GET status",
    "PUT store",
    "GET projects",
    "POST checks",
    "POST batches",
    "GET runs",
    "POST runs",
    "POST answers",
    f"GET runs/{RUN}",
    f"GET runs/{RUN}/events",
    f"POST runs/{RUN}/stop",
    f"GET runs/{RUN}/artifacts",
    f"GET runs/{RUN}/artifacts/run/output.log",
}


def registered(application: Application, base: str) -> list[tuple[str, type[RequestHandler]]]:
    """Return the addresses below our base that the server knows, and what answers there."""
    found = []
    for host in application.default_router.rules:
        for rule in getattr(host.target, "rules", ()):
            pattern = rule.matcher.regex.pattern.removesuffix("$").replace("\\", "") if isinstance(rule.matcher, PathMatches) else ""
            if pattern.startswith(f"{base}nbproj/"):
                path = re.sub(r"\([^)]*\{1,64\}\)", RUN, pattern.removeprefix(f"{base}nbproj/api/")).replace("(.+)", "run/output.log")
                found.append((path, rule.target))
    return found


def implemented(handler: type[RequestHandler], verb: str) -> bool:
    own = getattr(handler, verb.lower())
    return verb in handler.SUPPORTED_METHODS and own is not getattr(RequestHandler, verb.lower())


@pytest.fixture
def routes(jp_web_app, jp_base_url):
    found = registered(jp_web_app, jp_base_url)
    assert len(found) == len(ROUTES)
    return found


async def test_every_route_and_verb_refuses_who_has_no_token(routes, ask):
    asked, wrong = set(), {}
    for path, handler in routes:
        for verb in VERBS:
            expected = 403 if verb in handler.SUPPORTED_METHODS else 405
            got = await ask(path, verb, b"{}" if verb in {"POST", "PUT", "PATCH"} else None, token=False)
            if got.code != expected:
                wrong[f"{verb} {path}"] = got.code
            if implemented(handler, verb):
                asked.add(f"{verb} {path}")
    assert wrong == {}
    assert asked == KNOWN


@pytest.fixture
def login(jp_serverapp, http_server_client, jp_base_url):
    """Return a function that logs in as a browser does, and returns its cookies."""
    return functools.partial(logged_in, jp_serverapp, http_server_client, jp_base_url)


async def logged_in(jp_serverapp, http_server_client, jp_base_url) -> dict[str, str]:
    page = await http_server_client.fetch(f"{jp_base_url}login")
    cookies = dict(line.split(";")[0].split("=", 1) for line in page.headers.get_list("Set-Cookie"))
    form = urlencode({"password": jp_serverapp.identity_provider.token, "_xsrf": cookies["_xsrf"]})
    entered = await http_server_client.fetch(
        f"{jp_base_url}login", method="POST", body=form, headers={"Cookie": joined(cookies)}, raise_error=False, follow_redirects=False
    )
    assert entered.code == 302
    return cookies | dict(line.split(";")[0].split("=", 1) for line in entered.headers.get_list("Set-Cookie"))


def joined(cookies: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


async def test_with_a_cookie_and_no_xsrf_token_only_reading_is_answered(routes, ask, login):
    cookies = await login()
    browser = {"Cookie": joined(cookies)}
    codes = {}
    for path, handler in routes:
        for verb in filter(lambda verb, handler=handler: implemented(handler, verb), VERBS):
            codes[f"{verb} {path}"] = (await ask(path, verb, None if verb in READING else b"[]", headers=browser, token=False)).code
    assert {route for route, code in codes.items() if code == 403} == {route for route in KNOWN if route.split()[0] not in READING}
    # The same with the token is let in, and only then read: an array is no order.
    with_token = {**browser, "X-XSRFToken": cookies["_xsrf"]}
    got = await ask("runs", "POST", b"[]", headers=with_token, token=False)
    assert (got.code, got.json["message"]) == (400, "the body must be a JSON object")


async def test_a_page_of_another_site_and_another_name_for_this_host_are_refused(ask, login, jp_http_port):
    cookies = await login()
    browser = {"Cookie": joined(cookies)}
    assert (await ask("status", headers={**browser, "Origin": "https://evil.example"}, token=False)).code == 404
    assert (await ask("status", headers={**browser, "Origin": f"http://127.0.0.1:{jp_http_port + 1}"}, token=False)).code == 404
    assert (await ask("status", headers={**browser, "Host": "evil.example"}, token=False)).code == 403
    posted = {**browser, "Origin": "https://evil.example", "X-XSRFToken": cookies["_xsrf"]}
    assert (await ask("runs", "POST", {"path": ""}, headers=posted, token=False)).code in {403, 404}
    assert (await ask("status", headers=browser, token=False)).code == 200


class Looking(Authorizer):
    """Lets everybody look, and nobody do anything."""

    def is_authorized(self, handler, user, action, resource):
        return (action, resource) == ("read", "nbproj")


class TestWhoMayOnlyLook:
    @pytest.fixture
    def jp_server_config(self, jp_server_config):
        jp_server_config["ServerApp"]["authorizer_class"] = Looking
        return jp_server_config

    async def test_an_authorizer_decides_over_looking_choosing_and_starting(self, ask):
        codes = {}
        for verb, path in (("GET", "status"), ("GET", "runs"), ("PUT", "store"), ("POST", "runs"), ("POST", f"runs/{RUN}/stop")):
            codes[f"{verb} {path}"] = (await ask(path, verb, None if verb == "GET" else {})).code
        assert codes == {"GET status": 200, "GET runs": 200, "PUT store": 403, "POST runs": 403, f"POST runs/{RUN}/stop": 403}
