"""Which names are a definition's, and what its conditions say. Pure.

Source: apiextensions-apiserver pkg/controller (status/naming_controller.go, establish, nonstructuralschema,
apiapproval).
"""

from __future__ import annotations

from collections.abc import Iterable

from wherry.apiserver.kinds.apiextensions import approval, structural
from wherry.apiserver.kinds.common import webhookclient
from wherry.objects import Object, metadata

_RESOURCE_NAMES = (("plural", "PluralConflict"), ("singular", "SingularConflict"))
_KIND_NAMES = (("kind", "KindConflict"), ("listKind", "ListKindConflict"))


class _Conditions:
    """The conditions of a definition, changed one by one."""

    def __init__(self, definition: Object, now: str):
        self.all: list[Object] = list((definition.get("status") or {}).get("conditions") or ())
        self._now = now

    def put(self, type_: str, is_true: bool, reason: str, message: str) -> None:
        self.all = metadata.set_condition(self.all, type_, str(is_true), reason, message, self._now)

    def drop(self, type_: str) -> None:
        self.all = [c for c in self.all if c["type"] != type_]

    def is_true(self, type_: str) -> bool:
        return any(c["type"] == type_ and c["status"] == "True" for c in self.all)


def wanted(definition: Object, others: Iterable[Object], now: str, taken: str = "") -> Object:
    """Return the status a definition shall have beside the `others` of its group; `now` in RFC 3339.

    `taken` says why the server cannot serve it, if it cannot.
    """
    names, reason, message = _accepted(definition, others)
    if taken and not reason:
        reason, message = "PluralConflict", taken
    conditions = _Conditions(definition, now)
    conditions.put("NamesAccepted", not reason, reason or "NoConflicts", message or "no conflicts found")
    if not conditions.is_true("Established"):
        conditions.put("Established", *_established(definition, not reason))
    if violations := _violations(definition):
        conditions.put("NonStructuralSchema", True, "Violations", violations)
    else:
        conditions.drop("NonStructuralSchema")
    if approval.is_protected(definition["spec"]["group"]):
        why, text = approval.state(definition)
        conditions.put("KubernetesAPIApprovalPolicyConformant", why == "ApprovedAnnotation", why, text)
    return {**(definition.get("status") or {}), "acceptedNames": names, "conditions": conditions.all}


def terminating(definition: Object, now: str, *, under_way: bool, reason: str, message: str) -> Object:
    """Return the status of a definition whose objects are going (`under_way`), or are gone."""
    conditions = _Conditions(definition, now)
    conditions.put("Terminating", under_way, reason, message)
    return {**(definition.get("status") or {}), "conditions": conditions.all}


def _established(definition: Object, accepted: bool) -> tuple[bool, str, str]:
    webhook = (definition["spec"].get("conversion") or {}).get("webhook") or {}
    bundle = (webhook.get("clientConfig") or {}).get("caBundle")
    if not accepted:
        return False, "NotAccepted", "not all names are accepted"
    if bundle and webhookclient.bundle_problem(bundle):
        return False, "InvalidCABundle", "The conversion webhook CABundle is invalid"
    return True, "InitialNamesAccepted", "the initial names have been accepted"


def _accepted(definition: Object, others: Iterable[Object]) -> tuple[Object, str, str]:
    """Return the names that are the definition's, and (reason, message) of what others have."""
    others = list(others)
    asked, had = definition["spec"]["names"], _accepted_names(definition)
    resources, kinds = _taken(others, "plural", "singular"), _taken(others, "kind", "listKind")
    for other in others:
        resources |= set(_accepted_names(other).get("shortNames") or ())
    names, reason, message = dict(had), "", ""
    for known, table in ((_RESOURCE_NAMES, resources), (_KIND_NAMES, kinds)):
        for key, why in known:
            name = asked.get(key, "")
            if name != had.get(key, "") and name in table:
                reason, message = why, f'"{name}" is already in use'
            else:
                names[key] = name
    mine, short = set(had.get("shortNames") or ()), asked.get("shortNames") or []
    if used := [name for name in short if name not in mine and name in resources]:
        reason = "ShortNamesConflict"
        said = [f'"{name}" is already in use' for name in used]
        message = said[0] if len(said) == 1 else f"[{', '.join(said)}]"
    else:
        names["shortNames"] = short
    names["categories"] = asked.get("categories") or []
    return {key: value for key, value in names.items() if value}, reason, message


def _accepted_names(definition: Object) -> Object:
    found: Object = (definition.get("status") or {}).get("acceptedNames") or {}
    return found


def _taken(others: Iterable[Object], *keys: str) -> set[str]:
    return {_accepted_names(other).get(key, "") for other in others for key in keys} - {""}


def _violations(definition: Object) -> str:
    """Return why the schemas of a definition are not structural, "" when they are."""
    errors = []
    for i, version in enumerate(definition["spec"].get("versions") or ()):
        if schema := (version.get("schema") or {}).get("openAPIV3Schema"):
            errors += structural.errors(schema, f"spec.versions[{i}].schema.openAPIV3Schema")
    lines = list(dict.fromkeys(map(str, errors)))
    return lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]" if lines else ""
