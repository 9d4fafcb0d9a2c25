"""FlowSchema (flowcontrol.apiserver.k8s.io/v1): which requests are of a flow, and of which priority level.

Source: kubernetes pkg/apis/flowcontrol/{v1/defaults.go,validation/validation.go};
pkg/printers/internalversion/printers.go (printFlowSchema).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.common import ages, cells, checks
from wherry.apiserver.kinds.flowcontrol.suggested import EXEMPT, is_fixed
from wherry.objects import Object, fields, metadata, names, timestamps
from wherry.objects.errors import FieldError
from wherry.objects.resource import FLOW_SCHEMAS, PRIORITY_LEVEL_CONFIGURATIONS

DANGLING = "Dangling"
"""The condition of a schema whose priority level is not there."""
LAST_PRECEDENCE = 10_000
DISTINGUISHERS = ("ByNamespace", "ByUser")
SUBJECTS = {"Group": "group", "ServiceAccount": "serviceAccount", "User": "user"}
VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch")


def _default(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    spec["matchingPrecedence"] = spec.get("matchingPrecedence") or 1000


def level_of(schema: Object) -> str:
    """Return the name of the priority level of a schema, "" where it names none."""
    return ((schema.get("spec") or {}).get("priorityLevelConfiguration") or {}).get("name") or ""


def condition(schema: Object, there: bool, conditions: list[Object], now: str) -> list[Object]:
    """Return a schema's conditions with what is to be said of its level, which is `there` or not."""
    named = f'This FlowSchema references the PriorityLevelConfiguration object named "{level_of(schema)}"'
    told = ("False", "Found", f"{named} and it exists")
    if not there:
        told = ("True", "NotFound", f"{named} but there is no such object")
    return metadata.set_condition(conditions, DANGLING, *told, now)


def _prepare(new: Object, old: Object | None, context: Context) -> None:
    """Say of a new schema at once whether its level is there; later that is looked after (`flowkeeper`)."""
    if old is not None:
        return
    there = context.get(PRIORITY_LEVEL_CONFIGURATIONS, level_of(new)) is not None
    new["status"] = {"conditions": condition(new, there, [], timestamps.rfc3339(time.time()))}


def _validate(obj: Object) -> list[FieldError]:
    name, spec = obj["metadata"].get("name", ""), obj.get("spec") or {}
    errors = list(_errors(name, spec))
    if not is_fixed(FLOW_SCHEMAS, name, spec):
        errors.append(fields.invalid("spec", spec, f"spec of '{name}' must equal the fixed value"))
    return errors


def _errors(name: str, spec: Object) -> Iterator[FieldError]:
    path, precedence = "spec.matchingPrecedence", spec.get("matchingPrecedence") or 0
    if precedence <= 0:
        yield fields.invalid(path, precedence, "must be a positive value")
    if precedence > LAST_PRECEDENCE:
        yield fields.invalid(path, precedence, f"must not be greater than {LAST_PRECEDENCE}")
    if precedence == 1 and name != EXEMPT:
        why = "only the schema named 'exempt' may have matchingPrecedence 1"
        yield fields.invalid(path, precedence, why)
    if (method := spec.get("distinguisherMethod")) is not None and method.get("type") not in DISTINGUISHERS:
        yield fields.not_supported("spec.distinguisherMethod.type", method.get("type"), DISTINGUISHERS)
    level = (spec.get("priorityLevelConfiguration") or {}).get("name")
    if level:
        yield from checks.required_name("spec.priorityLevelConfiguration.name", level, names.dns_subdomain)
    else:
        yield fields.required("spec.priorityLevelConfiguration.name", "must reference a priority level")
    for i, rule in enumerate(spec.get("rules") or ()):
        yield from _rule(rule, f"spec.rules[{i}]")


def _rule(rule: Object, path: str) -> Iterator[FieldError]:
    if not rule.get("subjects"):
        yield fields.required(f"{path}.subjects", "subjects must contain at least one value")
    for i, subject in enumerate(rule.get("subjects") or ()):
        yield from _subject(subject, f"{path}.subjects[{i}]")
    if not rule.get("resourceRules") and not rule.get("nonResourceRules"):
        yield fields.required(path, "at least one of resourceRules and nonResourceRules has to be non-empty")
    for i, one in enumerate(rule.get("resourceRules") or ()):
        yield from _resources(one, f"{path}.resourceRules[{i}]")
    for i, one in enumerate(rule.get("nonResourceRules") or ()):
        yield from _urls(one, f"{path}.nonResourceRules[{i}]")


def _subject(subject: Object, path: str) -> Iterator[FieldError]:
    kind = subject.get("kind") or ""
    if kind not in SUBJECTS:
        yield fields.not_supported(f"{path}.kind", kind, tuple(SUBJECTS))
        return
    part = SUBJECTS[kind]
    if (given := subject.get(part)) is None:
        yield fields.required(f"{path}.{part}", f"{part} is required when subject kind is '{kind}'")
    elif not given.get("name"):
        yield fields.required(f"{path}.{part}.name")
    elif kind == "ServiceAccount" and given["name"] != "*":
        yield from checks.required_name(f"{path}.{part}.name", given["name"], names.dns_subdomain)
    if kind == "ServiceAccount" and given is not None:
        place, why = given.get("namespace"), "must specify namespace for service account"
        if place:
            yield from checks.required_name(f"{path}.{part}.namespace", place, names.dns_label)
        else:
            yield fields.required(f"{path}.{part}.namespace", why)
    for other, field in SUBJECTS.items():
        if other != kind and subject.get(field) is not None:
            yield fields.forbidden(f"{path}.{field}", f"{field} is forbidden when subject kind is not '{other}'")


def _listed(given: Sequence[str], path: str, missing: str, others: str) -> Iterator[FieldError]:
    """Yield what is wrong with a list in which `*` stands alone."""
    if not given:
        yield fields.required(path, missing)
    elif "*" in given and len(given) > 1:
        yield fields.invalid(path, given, f"if '*' is present, must not specify other {others}")


def _verbs(given: Sequence[str], path: str) -> Iterator[FieldError]:
    yield from _listed(given, path, "verbs must contain at least one value", "verbs")
    if "*" not in given and not {*given} <= {*VERBS}:
        yield fields.not_supported(path, given, VERBS)


def _resources(rule: Object, path: str) -> Iterator[FieldError]:
    yield from _verbs(rule.get("verbs") or [], f"{path}.verbs")
    for key, one, others in (
        ("apiGroups", "api group", "api groups"),
        ("resources", "resource", "resources"),
    ):
        missing = f"resource rules must supply at least one {one}"
        yield from _listed(rule.get(key) or [], f"{path}.{key}", missing, others)
    namespaces, place = rule.get("namespaces") or [], f"{path}.namespaces"
    if not namespaces and rule.get("clusterScope"):
        return
    missing = "resource rules that are not cluster scoped must supply at least one namespace"
    yield from _listed(namespaces, place, missing, "namespaces")
    for i, namespace in enumerate(namespaces if "*" not in namespaces else ()):
        for text in names.dns_label(namespace):
            why = f"each member of this list must be '*' or a DNS-1123 label; {text}"
            yield fields.invalid(f"{place}[{i}]", namespace, why)


def _urls(rule: Object, path: str) -> Iterator[FieldError]:
    yield from _verbs(rule.get("verbs") or [], f"{path}.verbs")
    urls, place = rule.get("nonResourceURLs") or [], f"{path}.nonResourceURLs"
    missing = "nonResourceURLs must contain at least one value"
    yield from _listed(urls, place, missing, "non-resource URLs")
    for i, url in enumerate(urls if "*" not in urls else ()):
        if why := _bad_url(url):
            yield fields.invalid(f"{place}[{i}]", url, why)


def _bad_url(url: str) -> str:
    """Return what is wrong with the path of a URL, "" for nothing."""
    if not url:
        return "must not be empty"
    if not url.startswith("/"):
        return "must start with slash"
    if " " in url:
        return "must not contain white-space"
    if "//" in url:
        return "must not contain double slash"
    wildcards = url.count("*")
    return "wildcard can only do suffix matching" if wildcards > 1 or (wildcards and not url.endswith("/*")) else ""


def _missing(obj: Object) -> str:
    found = (obj.get("status") or {}).get("conditions") or ()
    return next((c.get("status", "") for c in found if c.get("type") == DANGLING), "?")


FLOW_SCHEMA = Kind(
    resource=FLOW_SCHEMAS,
    default=_default,
    prepare=_prepare,
    validate=_validate,
    has_status=True,
    generation=True,
    age=False,
    columns=(
        Column("PriorityLevel", level_of),
        Column("MatchingPrecedence", lambda obj: (obj.get("spec") or {}).get("matchingPrecedence", 0)),
        Column("DistinguisherMethod", lambda obj: cells.text(obj, "spec", "distinguisherMethod", "type") or "<none>"),
        Column("Age", ages.of),
        Column("MissingPL", _missing),
    ),
)
