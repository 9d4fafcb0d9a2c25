"""Who owns what after any sequence of applies and updates, held against a model that knows nothing of paths or sets.

The model's objects are flat: labels, the items of a list by key, those of a set. An applier owns what its last
configuration named and nobody changed since; an updater owns what it set and nobody changed since.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from wherry.objects import Object, definitions
from wherry.objects.apply import managers, shape
from wherry.objects.apply.apply import apply
from wherry.objects.apply.conflicts import Conflicts
from wherry.objects.apply.managers import APPLY, UPDATE, Managed, Manager
from wherry.objects.apply.update import Version, Write, updated

Leaf = tuple[str, Any]
Flat = dict[Leaf, str]
"""A label's value by ("label", name); a port by ("port", number) and a finalizer by ("finalizer", name) have none."""

EMPTY: Object = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}
SHAPE = shape.of(definitions.of_kind(("", "v1", "Service")))
VERSION = Version(SHAPE, lambda obj: obj, lambda obj: obj)

labels = st.dictionaries(st.tuples(st.just("label"), st.sampled_from("abc")), st.sampled_from("12"))
ports = st.dictionaries(st.tuples(st.just("port"), st.sampled_from((80, 81))), st.just(""))
finalizers = st.dictionaries(st.tuples(st.just("finalizer"), st.sampled_from("xy")), st.just(""))
flats = st.builds(lambda *parts: {**parts[0], **parts[1], **parts[2]}, labels, ports, finalizers)


def nested(flat: Flat) -> Object:
    """Return the Service that has just these parts."""
    metadata: Object = {"name": "a"}
    spec: Object = {}
    for (sort, name), value in flat.items():
        match sort:
            case "label":
                metadata.setdefault("labels", {})[name] = value
            case "finalizer":
                metadata.setdefault("finalizers", []).append(name)
            case "port":
                spec.setdefault("ports", []).append({"port": name})
    return {**EMPTY, "metadata": metadata, **({"spec": spec} if spec else {})}


def flattened(obj: Object) -> Flat:
    metadata, spec = obj["metadata"], obj.get("spec") or {}
    flat: Flat = {("label", name): value for name, value in (metadata.get("labels") or {}).items()}
    flat |= {("finalizer", name): "" for name in metadata.get("finalizers") or ()}
    return flat | {("port", item["port"]): "" for item in spec.get("ports") or ()}


def leaves(owned: Object) -> set[Leaf]:
    """Return what FieldsV1 says is owned."""
    metadata, spec = owned.get("f:metadata", {}), owned.get("f:spec", {})
    found: set[Leaf] = {("label", step[2:]) for step in metadata.get("f:labels", {}) if step != "."}
    found |= {("finalizer", json.loads(step[2:])) for step in metadata.get("f:finalizers", {}) if step != "."}
    return found | {("port", json.loads(step[2:])["port"]) for step in spec.get("f:ports", {}) if step != "."}


class Ownership(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.live = EMPTY
        self.managed: Managed = {}
        self.flat: Flat = {}
        self.owners: dict[Manager, set[Leaf]] = {}

    @rule(name=st.sampled_from(("one", "two", "three")), config=flats, force=st.booleans())
    def apply(self, name: str, config: Flat, force: bool) -> None:
        manager = Manager(name, APPLY)
        changed = {leaf for leaf, value in config.items() if self.flat.get(leaf) != value}
        others = {other: owned for other, owned in self.owners.items() if other != manager}
        conflicts = {other: lost for other, owned in others.items() if (lost := changed & owned)}
        write = Write(manager, "v1", "", lambda _: VERSION, EMPTY)
        if conflicts and not force:
            with pytest.raises(Conflicts) as caught:
                apply(write, self.live, nested(config), self.managed, force=False)
            assert {m: leaves(owned) for m, owned in caught.value.by_manager.items()} == conflicts
            return
        self.live, self.managed = apply(write, self.live, nested(config), self.managed, force=force)
        dropped = self.owners.get(manager, set()) - config.keys()
        kept = set().union(*others.values()) if others else set()
        self._become({**{leaf: v for leaf, v in self.flat.items() if leaf not in dropped - kept}, **config}, changed)
        self.owners[manager] = set(config)

    @rule(name=st.sampled_from(("one", "four")), wanted=flats)
    def update(self, name: str, wanted: Flat) -> None:
        manager = Manager(name, UPDATE, version="v1")
        write = Write(manager, "v1", "", lambda _: VERSION, EMPTY)
        new = nested(wanted)
        self.managed = updated(write, self.live, new, self.managed)
        self.live = new
        changed = {leaf for leaf, value in wanted.items() if self.flat.get(leaf) != value}
        self._become(wanted, changed)
        self.owners[manager] = self.owners.get(manager, set()) | changed

    def _become(self, flat: Flat, changed: set[Leaf]) -> None:
        """Take from everybody what is gone and what somebody changed."""
        self.flat = flat
        self.owners = {manager: (owned & flat.keys()) - changed for manager, owned in self.owners.items()}

    @invariant()
    def the_object_is_what_the_model_says(self) -> None:
        assert flattened(self.live) == self.flat

    @invariant()
    def everybody_owns_what_the_model_says(self) -> None:
        owned = {manager: leaves(managers.fields(entry)) for manager, entry in self.managed.items()}
        assert {m: found for m, found in owned.items() if found} == {m: own for m, own in self.owners.items() if own}


TestOwnership = Ownership.TestCase
TestOwnership.settings = settings(max_examples=60, stateful_step_count=12)
