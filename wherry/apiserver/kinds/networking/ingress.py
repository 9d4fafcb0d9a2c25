"""Ingress: networking.k8s.io/v1, and the same store as networking.k8s.io/v1beta1 and extensions/v1beta1.

Source: k8s.io/kubernetes pkg/apis/networking/validation/validation.go, pkg/printers/internalversion/printers.go
(printIngress), plugin/pkg/admission/network/defaultingressclass.
"""

from __future__ import annotations

from collections.abc import Iterator

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.common import cells, checks
from wherry.apiserver.kinds.networking import ingressbeta
from wherry.apiserver.kinds.networking.ingressclass import default_class
from wherry.objects import Object, fields, metadata, names
from wherry.objects.errors import FieldError, Invalid
from wherry.objects.meaning.wellknown import INGRESS_CLASS
from wherry.objects.resource import INGRESSES

GROUP = INGRESSES.group
_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_BAD_SEQUENCES = ("//", "/./", "/../", "%2f", "%2F")
_BAD_ENDINGS = ("/..", "/.")
_SHOWN_HOSTS = 3


def _prepare(new: Object, old: Object | None, context: Context) -> None:
    if old is not None:
        return
    new["status"] = {"loadBalancer": {}}
    spec = new.setdefault("spec", {})
    annotated = metadata.annotations(new).get(INGRESS_CLASS)
    if spec.get("ingressClassName") is None:
        if annotated is None and (name := default_class(context)):
            spec["ingressClassName"] = name
    elif annotated is not None and annotated != spec["ingressClassName"]:
        text = "must match `ingressClassName` when both are specified"
        error = fields.invalid(f"annotations.{INGRESS_CLASS}", annotated, text)
        raise Invalid.of("Ingress", new["metadata"].get("name", ""), [error], GROUP)


def _validate(obj: Object) -> list[FieldError]:
    spec = obj.get("spec") or {}
    rules, backend = spec.get("rules"), spec.get("defaultBackend")
    errors = []
    if not rules and backend is None:
        errors.append(fields.invalid("spec", rules, "either `defaultBackend` or `rules` must be specified"))
    if backend is not None:
        errors += _backend("spec.defaultBackend", backend)
    for i, rule in enumerate(rules or ()):
        errors += _rule(f"spec.rules[{i}]", rule)
    for i, entry in enumerate(spec.get("tls") or ()):
        for j, host in enumerate(entry.get("hosts") or ()):
            errors += _host(f"spec.tls[{i}].hosts[{j}]", host)
        if secret := entry.get("secretName"):
            errors += checks.named(f"spec.tls[{i}].secretName", secret, names.dns_subdomain)
    if (name := spec.get("ingressClassName")) is not None:
        errors += checks.named("spec.ingressClassName", name, names.dns_subdomain)
    return errors + checks.load_balancer(obj)


def _host(path: str, host: str) -> list[FieldError]:
    return checks.named(path, host, names.wildcard_subdomain if "*" in host else names.dns_subdomain)


def _rule(path: str, rule: Object) -> Iterator[FieldError]:
    if host := rule.get("host"):
        if checks.parse_ip(host) is not None:
            yield fields.invalid(f"{path}.host", host, "must be a DNS name, not an IP address")
        yield from _host(f"{path}.host", host)
    if (http := rule.get("http")) is None:
        return
    if not http.get("paths"):
        yield fields.required(f"{path}.http.paths")
    for i, entry in enumerate(http.get("paths") or ()):
        yield from _path(f"{path}.http.paths[{i}]", entry)


def _path(path: str, entry: Object) -> Iterator[FieldError]:
    kind, value = entry.get("pathType"), entry.get("path") or ""
    if kind is None:
        yield fields.required(f"{path}.pathType", "pathType must be specified")
        return
    if kind not in _PATH_TYPES:
        yield fields.not_supported(f"{path}.pathType", kind, _PATH_TYPES)
    elif not value.startswith("/") and (value or kind != "ImplementationSpecific"):
        yield fields.invalid(f"{path}.path", value, "must be an absolute path")
    if kind in ("Exact", "Prefix"):
        for bad in _BAD_SEQUENCES:
            if bad in value:
                yield fields.invalid(f"{path}.path", value, f"must not contain '{bad}'")
        for bad in _BAD_ENDINGS:
            if value.endswith(bad):
                yield fields.invalid(f"{path}.path", value, f"cannot end with '{bad}'")
    yield from _backend(f"{path}.backend", entry.get("backend") or {})


def _backend(path: str, backend: Object) -> list[FieldError]:
    service, resource = backend.get("service"), backend.get("resource")
    if service is not None and resource is not None:
        return [fields.invalid(path, "", "cannot set both resource and service backends")]
    if resource is not None:
        return _reference(f"{path}.resource", resource)
    if service is None:
        return [fields.invalid(path, "", "resource or service backend is required")]
    errors = checks.required_name(f"{path}.service.name", service.get("name"), names.service_name)
    return errors + _port(path, service.get("port") or {})


def _port(path: str, port: Object) -> list[FieldError]:
    name, number = port.get("name"), port.get("number")
    if name and number:
        return [fields.invalid(path, "", "cannot set both port name & port number")]
    if name:
        return checks.named(f"{path}.service.port.name", name, names.port_name)
    if number:
        return checks.port(f"{path}.service.port.number", number)
    return [fields.required(path, "port name or number is required")]


def _reference(path: str, reference: Object) -> list[FieldError]:
    errors = []
    if (group := reference.get("apiGroup")) is not None:
        errors += checks.named(f"{path}.apiGroup", group, names.dns_subdomain)
    for key in ("kind", "name"):
        errors += checks.required_name(f"{path}.{key}", reference.get(key), names.path_segment)
    return errors


def _hosts(obj: Object) -> str:
    rules = (obj.get("spec") or {}).get("rules") or ()
    hosts = [rule["host"] for rule in rules[:_SHOWN_HOSTS] if rule.get("host")]
    if not hosts:
        return "*"
    more = len(rules) - _SHOWN_HOSTS
    return ",".join(hosts) + (f" + {more} more..." if more > 0 else "")


INGRESS = Kind(
    resource=INGRESSES,
    short_names=("ing",),
    also=((GROUP, "v1beta1"), ("extensions", "v1beta1")),
    prepare=_prepare,
    validate=_validate,
    has_status=True,
    generation=True,
    conversions={(GROUP, "v1beta1"): ingressbeta.CONVERSION, ("extensions", "v1beta1"): ingressbeta.CONVERSION},
    deprecations={
        (GROUP, "v1beta1"): (
            "networking.k8s.io/v1beta1 Ingress is deprecated in v1.19+, unavailable in v1.22+; "
            "use networking.k8s.io/v1 Ingress"
        ),
        ("extensions", "v1beta1"): (
            "extensions/v1beta1 Ingress is deprecated in v1.14+, unavailable in v1.22+; "
            "use networking.k8s.io/v1 Ingress"
        ),
    },
    columns=(
        Column("Class", lambda obj: cells.text(obj, "spec", "ingressClassName") or cells.NONE),
        Column("Hosts", _hosts),
        Column("Address", cells.load_balancer),
        Column("Ports", lambda obj: "80, 443" if (obj.get("spec") or {}).get("tls") else "80"),
    ),
)
