"""Regular expressions besides `matches`: `find`, `findAll`."""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from typing import Any

import re2

from wherry.cel.functions.function import Function


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise ValueError(f"illegal regex: {error}") from error


def _find(text: str, pattern: str) -> str:
    found = _compiled(pattern).search(text)
    return found[0] if found else ""


def _find_all(text: str, pattern: str, most: int = -1) -> list[str]:
    found = (match[0] for match in _compiled(pattern).finditer(text))
    return list(found if most < 0 else islice(found, most))


FUNCTIONS = (
    Function("find", ["string", "string"], "string", _find),
    Function("findAll", ["string", "string"], "list(string)", _find_all),
    Function("findAll", ["string", "string", "int"], "list(string)", _find_all),
)
