"""`authorizer`: may the user who asks, or a service account, do something else as well?

An attempt is put together step by step, and each step is a value of its own: what is known so far, as JSON. Who decides
is set while an expression with an `Asker` is evaluated (`deciding`).

Source: apiserver pkg/cel/library/authz.go.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from wherry.cel import opaque
from wherry.cel.asker import Asker, Decide
from wherry.cel.functions.function import Function

_decide: ContextVar[Decide] = ContextVar("decide")
ACCOUNTS = "system:serviceaccounts"


@contextmanager
def deciding(asker: Asker) -> Iterator[Any]:
    """Have `asker` decide; yields what expressions know as `authorizer`."""
    token = _decide.set(asker.decide)
    try:
        user = dict(asker.user)
        yield opaque.wrap(
            opaque.AUTHORIZER,
            json.dumps({"user": user}),
            requestResource=_made(opaque.RESOURCE_CHECK, {"user": user, "attempt": dict(asker.request)}),
        )
    finally:
        _decide.reset(token)


def _made(kind: str, known: dict[str, Any]) -> Any:
    return opaque.wrap(kind, json.dumps(known))


def _known(value: Any, kind: str) -> dict[str, Any]:
    known: dict[str, Any] = json.loads(opaque.text(value, kind))
    return known


def _account(value: Any, namespace: str, name: str) -> Any:
    _known(value, opaque.AUTHORIZER)
    if not namespace or not name:
        raise ValueError(f"invalid service account {'name' if namespace else 'namespace'}")
    groups = [ACCOUNTS, f"{ACCOUNTS}:{namespace}", "system:authenticated"]
    user = {"username": f"system:serviceaccount:{namespace}:{name}", "groups": groups}
    return _made(opaque.AUTHORIZER, {"user": user})


def _path(value: Any, path: str) -> Any:
    if not path:
        raise ValueError("path must not be empty")
    return _made(opaque.PATH_CHECK, {**_known(value, opaque.AUTHORIZER), "attempt": {"path": path}})


def _group(value: Any, group: str) -> Any:
    return _made(opaque.GROUP_CHECK, {**_known(value, opaque.AUTHORIZER), "attempt": {"group": group}})


def _resource(value: Any, resource: str) -> Any:
    known = _known(value, opaque.GROUP_CHECK)
    if not resource:
        raise ValueError("resource must not be empty")
    return _made(opaque.RESOURCE_CHECK, {**known, "attempt": {**known["attempt"], "resource": resource}})


def _with(field: str) -> Any:
    def more(value: Any, given: str) -> Any:
        known = _known(value, opaque.RESOURCE_CHECK)
        return _made(opaque.RESOURCE_CHECK, {**known, "attempt": {**known["attempt"], field: given}})

    return more


def _selected(value: Any, selector: str) -> Any:
    """Return the attempt as it is: nobody here decides by what a list is narrowed to."""
    _known(value, opaque.RESOURCE_CHECK)
    return value


def _check(value: Any, verb: str) -> Any:
    kind = opaque.PATH_CHECK if opaque.is_a(value, opaque.PATH_CHECK) else opaque.RESOURCE_CHECK
    known = _known(value, kind)
    allowed, reason = _decide.get()(known["user"], {**known["attempt"], "verb": verb})
    return _made(opaque.DECISION, {"allowed": allowed, "reason": reason})


def _told(key: str) -> Any:
    return lambda value: _known(value, opaque.DECISION)[key]


def _never(result: Any) -> Any:
    """Return a function for what is asked of a decision that never fails."""

    def told(value: Any) -> Any:
        _known(value, opaque.DECISION)
        return result

    return told


FUNCTIONS = (
    Function("serviceAccount", ["Authorizer", "string", "string"], "Authorizer", _account),
    Function("path", ["Authorizer", "string"], "PathCheck", _path),
    Function("group", ["Authorizer", "string"], "GroupCheck", _group),
    Function("resource", ["GroupCheck", "string"], "ResourceCheck", _resource),
    *(
        Function(field, ["ResourceCheck", "string"], "ResourceCheck", _with(field))
        for field in ("subresource", "namespace", "name")
    ),
    *(
        Function(selector, ["ResourceCheck", "string"], "ResourceCheck", _selected)
        for selector in ("fieldSelector", "labelSelector")
    ),
    Function("check", ["PathCheck", "string"], "Decision", _check),
    Function("check", ["ResourceCheck", "string"], "Decision", _check),
    Function("allowed", ["Decision"], "bool", _told("allowed")),
    Function("reason", ["Decision"], "string", _told("reason")),
    Function("errored", ["Decision"], "bool", _never(False)),
    Function("error", ["Decision"], "string", _never("")),
)
