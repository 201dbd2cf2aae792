"""Requests and answers in the form of MLflow's own messages: the library that defines them reads and writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from nbproj.tracking.gateway.refused import Refused

__all__ = ["read_body", "request_message", "to_json"]

# ruff: noqa: ANN401 - MLflow's messages have no common type


def _malformed(what: str) -> Refused:
    return Refused(400, "BAD_REQUEST", what)


def read_body(body: bytes) -> dict[str, Any]:
    """Return the values that a body holds.

    Raises
    ------
    Refused
        It is not an object in JSON.

    Examples
    --------
    >>> read_body(b'{"run_id": "a"}'), read_body(b"")
    ({'run_id': 'a'}, {})
    """
    try:
        told = json.loads(body or b"{}")
        if isinstance(told, str):  # clients of long ago encode twice
            told = json.loads(told)
    except (ValueError, RecursionError) as error:
        msg = "the body is not JSON"
        raise _malformed(msg) from error
    if not isinstance(told, dict):
        msg = "the body is not an object in JSON"
        raise _malformed(msg)
    return told


def _from_query(query: Sequence[tuple[str, str]], message: Any) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        given = [value for name, value in query if name == field.name]
        if not given:
            continue
        if getattr(field, "is_repeated", False):
            told[field.name] = given
        elif field.type == field.TYPE_BOOL:
            told[field.name] = given[-1].lower() == "true"
        else:
            told[field.name] = given[-1]
    return told


def request_message(name: str, query: Sequence[tuple[str, str]], body: bytes, named: Mapping[str, str]) -> Any:
    """Return a request as MLflow's message of that name; what a newer client adds to it is left out.

    Parameters
    ----------
    name : str
        The message.
    query : sequence of pairs
        The address's parameters.
    body : bytes
        The body, empty in requests that have none.
    named : mapping of str to str
        What the path names.

    Raises
    ------
    Refused
        It does not fit the message.
    """
    from mlflow.protos import service_pb2
    from mlflow.utils.proto_json_utils import parse_dict

    message = getattr(service_pb2, name)()
    told = {**_from_query(query, message), **read_body(body), **named}
    try:
        parse_dict(told, message)
    except Exception as error:
        msg = f"the request is not a {name}"
        raise _malformed(msg) from error
    return message


def to_json(message: Any) -> bytes:
    """Return an answer as clients read it."""
    from mlflow.utils.proto_json_utils import message_to_json

    text: str = message_to_json(message)
    return text.encode()
