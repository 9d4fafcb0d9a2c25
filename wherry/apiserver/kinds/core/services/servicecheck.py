"""The checks on a Service.

Source of rules and texts: k8s.io/kubernetes pkg/apis/core/validation/validation.go (ValidateService,
ValidateServiceClusterIPsRelatedFields, validateUpgradeDowngradeClusterIPs).
"""

from __future__ import annotations

from collections.abc import Iterator

from wherry.apiserver.kinds.common import checks, objectmeta
from wherry.apiserver.kinds.core.services import servicespec
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError
from wherry.objects.family import Family, family_of

_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_POLICIES = ("Cluster", "Local")
_FAMILIES = tuple(map(str, Family))
_FAMILY_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
_DISTRIBUTIONS = ("PreferClose", "PreferSameNode", "PreferSameZone")
_MAX_AFFINITY_SECONDS = 86400
_ONLY_LOAD_BALANCER = "may only be used when `type` is 'LoadBalancer'"


def validate(service: Object) -> list[FieldError]:
    """Check a Service whose defaults, addresses and node ports have been filled in."""
    spec = servicespec.of(service)
    return [
        *_required_ports(spec),
        *_type_rules(spec),
        *_ports(spec),
        *objectmeta.validate_labels("spec.selector", spec.get("selector") or {}),
        *_affinity(spec),
        *addresses(spec),
        *_external_ips(spec),
        *checks.one_of("spec.type", spec.get("type"), _TYPES),
        *_duplicate_ports(spec),
        *_load_balancer(spec),
        *_external_traffic(spec),
        *_internal_traffic(spec),
        *_distribution(spec),
        *checks.load_balancer(service),
    ]


def _required_ports(spec: Object) -> list[FieldError]:
    if spec.get("ports") or servicespec.is_headless(spec) or spec.get("type") == "ExternalName":
        return []
    return [fields.required("spec.ports")]


def _type_rules(spec: Object) -> list[FieldError]:
    kind = spec.get("type")
    if kind in ("LoadBalancer", "NodePort") and servicespec.is_headless(spec):
        text = f"may not be set to 'None' for {kind} services"
        return [fields.invalid("spec.clusterIPs[0]", servicespec.NO_IP, text)]
    if kind != "ExternalName":
        return []
    errors = [
        fields.forbidden(f"spec.{key}", "may not be set for ExternalName services")
        for key in ("clusterIPs", "ipFamilies", "ipFamilyPolicy")
        if spec.get(key)
    ]
    name = (spec.get("externalName") or "").removesuffix(".")
    return errors + checks.required_name("spec.externalName", name, names.dns_subdomain)


def _ports(spec: Object) -> Iterator[FieldError]:
    ports = spec.get("ports") or ()
    seen = set()
    for i, port in enumerate(ports):
        path, name = f"spec.ports[{i}]", port.get("name")
        if name:
            yield from checks.named(f"{path}.name", name, names.dns_label)
            if name in seen:
                yield fields.duplicate(f"{path}.name", name)
            seen.add(name)
        elif len(ports) > 1:
            yield fields.required(f"{path}.name")
        yield from checks.port(f"{path}.port", port.get("port"))
        yield from checks.one_of(f"{path}.protocol", port.get("protocol"), checks.PROTOCOLS)
        yield from checks.port_or_name(f"{path}.targetPort", port.get("targetPort"))
        if (protocol := port.get("appProtocol")) is not None:
            yield from checks.named(f"{path}.appProtocol", protocol, names.qualified_name)


def _duplicate_ports(spec: Object) -> Iterator[FieldError]:
    ports = list(enumerate(spec.get("ports") or ()))
    if spec.get("type") == "ClusterIP":
        for i, port in ports:
            if port.get("nodePort"):
                text = "may not be used when `type` is 'ClusterIP'"
                yield fields.forbidden(f"spec.ports[{i}].nodePort", text)
    node_ports, service_ports = set(), set()
    for i, port in ports:
        if number := port.get("nodePort"):
            if (number, port.get("protocol")) in node_ports:
                yield fields.duplicate(f"spec.ports[{i}].nodePort", number)
            node_ports.add((number, port.get("protocol")))
    for i, port in ports:
        key = (port.get("port"), port.get("protocol"))
        if key in service_ports:
            yield fields.duplicate(f"spec.ports[{i}]", _go_port(port))
        service_ports.add(key)


def _go_port(port: Object) -> Object:
    """Return the port as upstream's internal type prints it, with the two fields that clash."""
    return {
        "Name": "",
        "Protocol": port.get("protocol"),
        "AppProtocol": None,
        "Port": port.get("port"),
        "TargetPort": 0,
        "NodePort": 0,
    }


def _affinity(spec: Object) -> list[FieldError]:
    affinity, config = spec.get("sessionAffinity"), spec.get("sessionAffinityConfig")
    errors = checks.one_of("spec.sessionAffinity", affinity, ("ClientIP", "None"))
    path = "spec.sessionAffinityConfig"
    if affinity == "None" and config is not None:
        errors.append(fields.forbidden(path, "must not be set when session affinity is None"))
    if affinity == "ClientIP":
        errors += _affinity_timeout(path, config)
    return errors


def _affinity_timeout(path: str, config: Object | None) -> list[FieldError]:
    for step in ("clientIP", "timeoutSeconds"):
        if config is None:
            return [fields.required(path, "when session affinity type is ClientIP")]
        config, path = config.get(step), f"{path}.{step}"
    if config is None:
        return [fields.required(path, "when session affinity type is ClientIP")]
    if 0 < config <= _MAX_AFFINITY_SECONDS:  # type: ignore[operator]
        return []
    return [fields.invalid(path, config, f"must be greater than 0 and less than {_MAX_AFFINITY_SECONDS}")]


def addresses(spec: Object) -> list[FieldError]:
    """Check cluster IPs, IP families and their policy against one another."""
    if spec.get("type") == "ExternalName":
        return []
    given = servicespec.cluster_ips(spec)
    errors = _linked(spec.get("clusterIP") or "", given)
    seen = set()
    for i, family in enumerate(spec.get("ipFamilies") or ()):
        if family not in _FAMILIES:
            errors.append(fields.not_supported(f"spec.ipFamilies[{i}]", family, _FAMILIES))
        if family in seen:
            errors.append(fields.duplicate(f"spec.ipFamilies[{i}]", family))
        seen.add(family)
    if (policy := spec.get("ipFamilyPolicy")) is not None:
        errors += checks.one_of("spec.ipFamilyPolicy", policy, _FAMILY_POLICIES)
    bad = list(_bad_addresses(given))
    errors += bad
    if len(given) > 2:
        errors.append(fields.invalid("spec.clusterIPs", given, "may only hold up to 2 values"))
    return errors if bad else errors + _address_families(spec, given)


def _linked(address: str, given: list[str]) -> list[FieldError]:
    if address and not given:
        return [fields.required("spec.clusterIPs")]
    if address and given[0] != address:
        return [fields.invalid("spec.clusterIPs", given, "first value must match `clusterIP`")]
    if given and not address:
        return [fields.invalid("spec.clusterIPs", given, "must be empty when `clusterIP` is not specified")]
    return []


def _bad_addresses(given: list[str]) -> Iterator[FieldError]:
    for i, address in enumerate(given):
        if i == 0 and address == servicespec.NO_IP:
            if len(given) > 1:
                yield fields.invalid("spec.clusterIPs", given, "'None' must be the first and only value")
        else:
            yield from checks.ip(f"spec.clusterIPs[{i}]", address)


def _address_families(spec: Object, given: list[str]) -> list[FieldError]:
    if servicespec.is_headless(spec):
        return []
    actual = [family_of(a) for a in given]
    errors = []
    if len(given) > 1 and len(set(actual)) < 2:
        text = "may specify no more than one IP for each IP family"
        errors.append(fields.invalid("spec.clusterIPs", given, text))
    for i, (address, is_, wanted) in enumerate(zip(given, actual, spec.get("ipFamilies") or (), strict=False)):
        if is_ != wanted:
            text = f"expected an {wanted} value as indicated by `ipFamilies[{i}]`"
            errors.append(fields.invalid(f"spec.clusterIPs[{i}]", address, text))
    return errors


def _external_ips(spec: Object) -> Iterator[FieldError]:
    for i, address in enumerate(spec.get("externalIPs") or ()):
        path = f"spec.externalIPs[{i}]"
        yield from checks.ip(path, address) or checks.ordinary_ip(path, address)


def _load_balancer(spec: Object) -> Iterator[FieldError]:
    balanced = spec.get("type") == "LoadBalancer"
    if ranges := spec.get("loadBalancerSourceRanges"):
        path = "spec.LoadBalancerSourceRanges"  # upstream's own spelling
        if not balanced:
            yield fields.forbidden(path, _ONLY_LOAD_BALANCER)
        for i, network in enumerate(ranges):
            yield from checks.cidr(f"{path}[{i}]", network.strip())
    if spec.get("allocateLoadBalancerNodePorts") is not None and not balanced:
        yield fields.forbidden("spec.allocateLoadBalancerNodePorts", _ONLY_LOAD_BALANCER)
    if (name := spec.get("loadBalancerClass")) is not None:
        if balanced:
            yield from checks.named("spec.loadBalancerClass", name, names.qualified_name)
        else:
            yield fields.forbidden("spec.loadBalancerClass", _ONLY_LOAD_BALANCER)


def _external_traffic(spec: Object) -> Iterator[FieldError]:
    path, policy = "spec.externalTrafficPolicy", spec.get("externalTrafficPolicy")
    if servicespec.is_reachable_from_outside(spec):
        yield from checks.one_of(path, policy, _POLICIES)
    elif policy:
        yield fields.invalid(path, policy, "may only be set for externally-accessible services")
    path, number = "spec.healthCheckNodePort", spec.get("healthCheckNodePort")
    if servicespec.needs_health_check(spec):
        yield from checks.port(path, number) if number else [fields.required(path)]
    elif number:
        text = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        yield fields.invalid(path, number, text)


def _internal_traffic(spec: Object) -> list[FieldError]:
    policy = spec.get("internalTrafficPolicy")
    if policy is None and not servicespec.needs_cluster_ip(spec):
        return []
    return checks.one_of("spec.internalTrafficPolicy", policy, _POLICIES)


def _distribution(spec: Object) -> list[FieldError]:
    if (wanted := spec.get("trafficDistribution")) is None:
        return []
    return checks.one_of("spec.trafficDistribution", wanted, _DISTRIBUTIONS)


def validate_update(new: Object, old: Object) -> list[FieldError]:
    """Check that an update keeps what may not change once set."""
    now, was = servicespec.of(new), servicespec.of(old)
    errors = []
    if "ExternalName" not in (now.get("type"), was.get("type")):
        errors += _kept_addresses(now, was)
    if now.get("type") == was.get("type") == "LoadBalancer":
        if now.get("loadBalancerClass") != was.get("loadBalancerClass"):
            text = "may not change once set"
            errors.append(fields.invalid("spec.loadBalancerClass", now.get("loadBalancerClass"), text))
        if servicespec.needs_health_check(now) and servicespec.needs_health_check(was):
            before = was.get("healthCheckNodePort")
            if before and now.get("healthCheckNodePort") != before:
                errors.append(fields.forbidden("spec.healthCheckNodePort", "field is immutable"))
    return errors


def _kept_addresses(now: Object, was: Object) -> list[FieldError]:
    given, before = servicespec.cluster_ips(now), servicespec.cluster_ips(was)
    if servicespec.is_headless(now) and servicespec.is_headless(was):
        return []
    if before and not given:
        return [fields.invalid("spec.clusterIPs[0]", given, "primary clusterIP can not be unset")]
    errors = [
        fields.invalid(f"spec.clusterIPs[{i}]", given, "may not change once set")
        for i, (address, previous) in enumerate(zip(given, before, strict=False))
        if address != previous
    ]
    if servicespec.is_headless(now) == servicespec.is_headless(was):
        families, previous_families = now.get("ipFamilies") or [], was.get("ipFamilies") or []
        if families[:1] != previous_families[:1]:
            errors.append(fields.invalid("spec.ipFamilies[0]", families, "may not change once set"))
    return errors
