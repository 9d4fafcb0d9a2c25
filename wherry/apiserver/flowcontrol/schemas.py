"""Which flow a request is of: the first FlowSchema that is about it says so, and of which priority level it is.

Source: apiserver pkg/util/flowcontrol/rule.go, apf_controller.go (matchesPolicyRule, computeFlowDistinguisher).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wherry.apiserver.access.attributes import Attributes
from wherry.apiserver.access.rules import covers_url, lists
from wherry.apiserver.kinds.flowcontrol.flowschema import level_of
from wherry.apiserver.kinds.flowcontrol.suggested import EXEMPT
from wherry.apiserver.user import ANONYMOUS, User
from wherry.objects import Object, metadata

ADMINISTRATORS = "administrators"
"""The level of the schema `exempt`."""
_ACCOUNT = "system:serviceaccount:"


@dataclass(frozen=True, slots=True)
class Flow:
    """Requests that wait in one queue: `schema` says why they are of `level`, `name` whose they are.

    `uid` is the schema's.
    """

    schema: str
    level: str
    name: str = ""
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Asking:
    """A request: who asks (from `address`), and for what."""

    user: User
    attributes: Attributes
    address: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class Schema:
    """A FlowSchema; `by` is its distinguisher, "" for none."""

    name: str
    uid: str
    level: str
    by: str
    rules: Sequence[Object]

    def flow(self, asking: Asking) -> Flow | None:
        """Return a request's flow, None for a request it is not about. Nobody in particular is told by address."""
        if not any(_covers(rule, asking) for rule in self.rules):
            return None
        name = ""
        if self.by == "ByNamespace":
            name = asking.attributes.namespace
        elif self.by or self.name == EXEMPT:
            name = asking.address if asking.user.name == ANONYMOUS.name else asking.user.name
        return Flow(self.name, ADMINISTRATORS if self.name == EXEMPT else self.level, name, self.uid)


def read(schemas: Iterable[Object], levels: Iterable[str]) -> list[Schema]:
    """Return the schemas whose level is there, in the order in which they are asked."""
    known = set(levels)
    found = [_read(one) for one in sorted(schemas, key=_order)]
    return [schema for schema in found if schema.level in known]


def _order(schema: Object) -> tuple[int, str]:
    precedence = (schema.get("spec") or {}).get("matchingPrecedence")
    return precedence if isinstance(precedence, int) else 0, metadata.key(schema)[1]


def _read(schema: Object) -> Schema:
    spec, meta = schema.get("spec") or {}, schema["metadata"]
    return Schema(
        name=meta["name"],
        uid=meta.get("uid", ""),
        level=level_of(schema),
        by=(spec.get("distinguisherMethod") or {}).get("type", ""),
        rules=spec.get("rules") or (),
    )


def _covers(rule: Object, asking: Asking) -> bool:
    if not any(_is(subject, asking.user) for subject in rule.get("subjects") or ()):
        return False
    asked = asking.attributes
    if asked.path:
        return any(_covers_path(one, asked) for one in rule.get("nonResourceRules") or ())
    return any(_covers_resource(one, asked) for one in rule.get("resourceRules") or ())


def _is(subject: Object, user: User) -> bool:
    match subject.get("kind"):
        case "User":
            return _named(subject.get("user"), user.name)
        case "Group":
            name = (subject.get("group") or {}).get("name")
            return name == "*" or name in user.groups
        case "ServiceAccount":
            account = subject.get("serviceAccount") or {}
            prefix = f"{_ACCOUNT}{account.get('namespace', '')}:"
            return user.name.startswith(prefix) and _named(account, user.name.removeprefix(prefix))
    return False


def _named(given: Object | None, name: str) -> bool:
    return (given or {}).get("name") in ("*", name)


def _covers_resource(rule: Object, asked: Attributes) -> bool:
    if not (lists(rule.get("verbs"), asked.verb) and lists(rule.get("apiGroups"), asked.group)):
        return False
    if not lists(rule.get("resources"), asked.resource):
        return False
    return lists(rule.get("namespaces"), asked.namespace) if asked.namespace else bool(rule.get("clusterScope"))


def _covers_path(rule: Object, asked: Attributes) -> bool:
    urls = rule.get("nonResourceURLs") or ()
    return lists(rule.get("verbs"), asked.verb) and any(covers_url(url, asked.path) for url in urls)
