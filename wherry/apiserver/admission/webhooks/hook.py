"""One webhook, read from its configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wherry.apiserver.admission import rules
from wherry.apiserver.admission.rules import About
from wherry.objects import Object, selectors
from wherry.objects.resource import Resource
from wherry.objects.selectors import LabelSelector


@dataclass(frozen=True, eq=False, kw_only=True)
class Hook:
    """A webhook; `seconds` is how long it may take, `versions` are the AdmissionReviews it reads, best first.

    `open`: what it cannot be asked about is allowed. `again`: it is asked once more when others changed an object
    after it. `dry`: it does nothing but answer, of dry runs at least.
    """

    name: str
    configuration: str
    mutating: bool
    client: Object
    rules: Sequence[Object]
    exact: bool
    namespaces: LabelSelector
    objects: LabelSelector
    open: bool
    again: bool
    dry: bool
    seconds: float
    versions: Sequence[str]
    conditions: Sequence[Object] = ()

    @property
    def type(self) -> str:
        """What metrics call its sort."""
        return "admit" if self.mutating else "validating"

    def resource(self, about: About, equivalents: Sequence[Resource]) -> Resource | None:
        """Return as which resource it wants to see a request, None when it is not to be called.

        `equivalents` are the versions the same objects are served in.
        """
        if rules.any_matches(self.rules, about):
            return about.resource
        if self.exact:
            return None
        others = [resource for resource in equivalents if resource != about.resource]
        found = (r for rule in self.rules for r in others if rules.matches(rule, about._replace(resource=r)))
        return next(found, None)


def read(configuration: Object, *, mutating: bool) -> list[Hook]:
    """Return the webhooks of a configuration, in its order; what one lacks is as in Go its type's zero value."""
    name = configuration["metadata"]["name"]
    return [_read(name, hook, mutating) for hook in configuration.get("webhooks") or ()]


def _read(configuration: str, hook: Object, mutating: bool) -> Hook:
    return Hook(
        name=hook.get("name") or "",
        configuration=configuration,
        mutating=mutating,
        client=hook.get("clientConfig") or {},
        rules=hook.get("rules") or (),
        exact=hook.get("matchPolicy") == "Exact",
        namespaces=selectors.stored(hook.get("namespaceSelector") or {}),
        objects=selectors.stored(hook.get("objectSelector") or {}),
        open=hook.get("failurePolicy") == "Ignore",
        again=hook.get("reinvocationPolicy") == "IfNeeded",
        dry=hook.get("sideEffects") in ("None", "NoneOnDryRun"),
        seconds=float(hook.get("timeoutSeconds") or 10),
        versions=hook.get("admissionReviewVersions") or (),
        conditions=hook.get("matchConditions") or (),
    )
