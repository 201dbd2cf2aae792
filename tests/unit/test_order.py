from __future__ import annotations

import json

from nbproj.order import Order


def test_what_is_kept_with_a_run_starts_it_again_in_the_same_way_and_holds_no_credentials():
    order = Order("project", docker_args={"memory": "2g"}, build_image=False, docker_auth={"username": "eva", "password": "pass-4711"})

    kept = order.to_record("project")

    assert "pass-4711" not in json.dumps(kept)
    again = Order.from_document(json.loads(json.dumps(kept)))
    assert (again.docker_args, again.build_image, again.docker_auth) == ({"memory": "2g"}, False, None)


def test_what_was_not_asked_for_is_not_kept():
    assert set(Order("project", parameters={}, html=False, docker_args={}).to_record("project")) == {"uri", "base"}
