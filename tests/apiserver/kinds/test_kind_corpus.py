"""The golden corpus: a file per case under corpus/<kind>/; one loop runs them.

A case has `object` (what a client sends) and may have `given` (objects there already, written first) and `old` (what
`object` updates, written first). `expect` names some of: `errors` (every field error, in order, as kubectl prints
them; left out means none), `refused` (the message admission raises), `object` (fields the stored object must have),
`absent` (paths it must not have), `served` (apiVersion and the fields of the object read in that version), `cells`
(columns and what they show) and `warnings`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.apiserver.kinds.pipeline import World, accepted, kind_of, row, write
from wherry.objects import Object
from wherry.objects.errors import ApiError

CORPUS = Path(__file__).parent / "corpus"
CASES = sorted(CORPUS.glob("*/*.yaml"))


def differences(wanted: Any, actual: Any, path: str = "") -> list[str]:
    """Return where `actual` lacks what is `wanted`; maps may hold more, lists may not."""
    if isinstance(wanted, dict) and isinstance(actual, dict):
        return [d for key, value in wanted.items() for d in differences(value, actual.get(key), f"{path}.{key}")]
    if isinstance(wanted, list) and isinstance(actual, list) and len(wanted) == len(actual):
        pairs = enumerate(zip(wanted, actual, strict=True))
        return [d for i, (w, a) in pairs for d in differences(w, a, f"{path}[{i}]")]
    return [] if wanted == actual else [f"{path}: wanted {wanted!r}, is {actual!r}"]


def value_at(obj: Object, path: str) -> Any:
    value: Any = obj
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


@pytest.mark.parametrize("path", CASES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_the_corpus(path: Path) -> None:
    """What a client sends becomes what the case says, or the errors it says."""
    case = yaml.safe_load(path.read_text())
    expect = case["expect"]
    world = World()
    for given in case.get("given") or ():
        world.objects.append(accepted(given, None, world))
    old = accepted(case["old"], None, world) if "old" in case else None
    if old is not None:
        world.objects.append(old)
    if "refused" in expect:
        with pytest.raises(ApiError) as refusal:
            write(case["object"], old, world)
        assert refusal.value.message == expect["refused"]
        return
    new, errors = write(case["object"], old, world)
    assert [str(error) for error in errors] == expect.get("errors", [])
    assert differences(expect.get("object", {}), new) == []
    assert [p for p in expect.get("absent", ()) if value_at(new, p) is not None] == []
    if "cells" in expect:
        assert differences(expect["cells"], row(new)) == []
    if "served" in expect:
        group, _, version = expect["served"]["apiVersion"].rpartition("/")
        shown = kind_of(new).conversions[group, version].from_storage(new)
        assert differences({k: v for k, v in expect["served"].items() if k != "apiVersion"}, shown) == []
    assert world.warnings == expect.get("warnings", [])


def test_the_corpus_has_a_folder_for_every_rule_heavy_kind() -> None:
    folders = {path.parent.name for path in CASES}
    assert {"service", "pod", "deployment", "ingress", "node", "secret", "rbac", "endpoints"} <= folders
