"""Paths of JSON patches.

Source: apiserver pkg/cel/library/jsonpatch.go; RFC 6901, section 3.
"""

from __future__ import annotations

from wherry.cel.functions.function import Function


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


FUNCTIONS = (Function("jsonpatch.escapeKey", ["string"], "string", _escaped, is_member=False),)
