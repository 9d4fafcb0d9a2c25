"""IngressClass (networking.k8s.io/v1), and which one is the default.

Source: k8s.io/kubernetes pkg/apis/networking/validation/validation.go, pkg/apis/networking/v1/defaults.go,
plugin/pkg/admission/network/defaultingressclass/admission.go.
"""

from __future__ import annotations

import re

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.common import cells, checks
from wherry.objects import Object, fields, metadata, names
from wherry.objects.errors import FieldError
from wherry.objects.meaning.wellknown import DEFAULT_INGRESS_CLASS
from wherry.objects.resource import INGRESS_CLASSES

_SCOPES = ("Cluster", "Namespace")
_path = re.compile(r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+")


def default_class(context: Context) -> str | None:
    """Return the name of the class for Ingresses that name none: of several the youngest, then the first by name."""
    found = [c for c in context.list(INGRESS_CLASSES) if metadata.annotations(c).get(DEFAULT_INGRESS_CLASS) == "true"]
    found.sort(key=lambda c: c["metadata"]["name"])
    youngest = max(found, key=lambda c: c["metadata"].get("creationTimestamp") or "", default=None)
    return youngest["metadata"]["name"] if youngest else None


def _default(obj: Object) -> None:
    parameters = obj.setdefault("spec", {}).get("parameters")
    if parameters is not None:
        parameters["scope"] = parameters.get("scope") or "Cluster"


def _validate(obj: Object) -> list[FieldError]:
    spec = obj["spec"]
    controller = spec.get("controller") or ""
    if not controller:
        errors = [fields.required("spec.controller")]
    else:
        errors = [fields.too_long("spec.controller", 250)] if len(controller) > 250 else []
        errors += _domain_prefixed("spec.controller", controller)
    if (parameters := spec.get("parameters")) is not None:
        errors += _parameters("spec.parameters", parameters)
    return errors


def _domain_prefixed(path: str, value: str) -> list[FieldError]:
    domain, slash, rest = value.partition("/")
    if not domain or not slash or not rest:
        return [fields.invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')]
    errors = [fields.invalid(path, domain, message) for message in names.dns_subdomain(domain)]
    if not _path.fullmatch(rest):
        rule = (
            "a valid path must consist of RFC 3986 characters (e.g. '/my-path', regex used for validation is "
            f"'{_path.pattern}')"
        )
        errors.append(fields.invalid(path, rest, f"Invalid path: {rule}"))
    return errors


def _parameters(path: str, parameters: Object) -> list[FieldError]:
    errors = []
    if (group := parameters.get("apiGroup")) is not None:
        errors += checks.named(f"{path}.apiGroup", group, names.dns_subdomain)
    for key in ("kind", "name"):
        errors += checks.required_name(f"{path}.{key}", parameters.get(key), names.path_segment)
    scope, namespace = parameters["scope"], parameters.get("namespace")
    errors += checks.one_of(f"{path}.scope", scope, _SCOPES)
    if scope == "Namespace":
        if namespace is None:
            errors.append(fields.required(f"{path}.namespace", "`parameters.scope` is set to 'Namespace'"))
        else:
            errors += checks.named(f"{path}.namespace", namespace, names.dns_label)
    if scope == "Cluster" and namespace is not None:
        errors.append(fields.forbidden(f"{path}.namespace", "`parameters.scope` is set to 'Cluster'"))
    return errors


def _shown_parameters(obj: Object) -> str:
    parameters = (obj.get("spec") or {}).get("parameters")
    if parameters is None:
        return cells.NONE
    kind = parameters.get("kind", "")
    group = parameters.get("apiGroup")
    return f"{kind}.{group}/{parameters.get('name')}" if group else f"{kind}/{parameters.get('name')}"


INGRESS_CLASS = Kind(
    resource=INGRESS_CLASSES,
    default=_default,
    validate=_validate,
    validate_update=lambda new, old: checks.immutable(
        "spec.controller", new["spec"].get("controller"), old["spec"].get("controller")
    ),
    generation=True,
    columns=(
        Column("Controller", lambda obj: cells.text(obj, "spec", "controller")),
        Column("Parameters", _shown_parameters),
    ),
)
