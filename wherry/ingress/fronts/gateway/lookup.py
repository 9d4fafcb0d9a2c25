"""What a table says of a path, in words: `lua/gateway.lua`'s search, told beforehand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from wherry.ingress.fronts.gateway.filters import Actions


def told(table: Mapping[str, Any], scheme: str, path: str) -> Iterator[str]:
    """Yield the rules that may take a request for a path, the first that fits first; the last one takes the rest."""
    for candidate in _candidates(table, scheme, path):
        conditions = list(_conditions(candidate))
        actions = table["rules"][candidate["rule"] - 1]
        namespace, _, name = actions["name"].partition(" ")
        where = f" where {' and '.join(conditions)}" if conditions else ""
        yield f"HTTPRoute {namespace}/{name}{where}: {_done(actions)}"
        if not conditions:
            return
    yield "no rule of an HTTPRoute takes the rest: 404"


def _candidates(table: Mapping[str, Any], scheme: str, path: str) -> Iterator[Mapping[str, Any]]:
    for level in table.get(scheme, ()):
        yield from level["exact"].get(path, ())
        for pattern, found in level["regex"]:
            if re.fullmatch(pattern, path):
                yield from found
        prefix = path.rstrip("/")
        while True:
            yield from level["prefix"].get(prefix, ())
            if not prefix:
                break
            prefix = prefix.rpartition("/")[0]


def _conditions(candidate: Mapping[str, Any]) -> Iterator[str]:
    if method := candidate.get("method"):
        yield f"the method is {method}"
    for key, what in (("headers", "header"), ("query", "parameter")):
        for name, value, is_pattern in candidate.get(key, ()):
            yield f"{what} {name} {'fits' if is_pattern else 'is'} {value}"


def _done(actions: Actions) -> str:
    changed = [
        word for key, word in (("request", "request headers"), ("response", "answer's headers")) if key in actions
    ]
    said = [f"{' and '.join(changed)} changed"] if changed else []
    if "rewrite" in actions:
        said.append("rewritten: " + ", ".join(f"{k} {v or '/'}" for k, v in actions["rewrite"].items()))
    said += [f"copied to {one['backend']}" for one in actions.get("mirrors", ())]
    if "redirect" in actions:
        to = ", ".join(f"{k} {v or '/'}" for k, v in actions["redirect"].items() if k != "status")
        return "; ".join([*said, f"{actions['redirect']['status']} to {to or 'the same place'}"])
    backends = [one for one in actions["backends"] if one["weight"]]
    total = sum(one["weight"] for one in backends)
    shares = [_share(one, total) for one in backends]
    return "; ".join([*said, ", ".join(shares) or "500: it names nobody"])


def _share(backend: Mapping[str, Any], total: int) -> str:
    whom = f"Service {backend['backend']}" if "backend" in backend else "500, its backend cannot be used"
    return whom if backend["weight"] == total else f"{whom} ({backend['weight']} of {total})"
