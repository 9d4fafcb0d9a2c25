"""The spec of a pod, in a Pod or in a template: defaults and checks.

Source: k8s.io/kubernetes pkg/apis/core/v1/defaults.go (SetDefaults_PodSpec),
pkg/apis/core/validation/validation.go (ValidatePodSpec).
"""

from __future__ import annotations

from wherry.apiserver.kinds.common import checks, objectmeta
from wherry.apiserver.kinds.core import taints
from wherry.apiserver.kinds.core.pods import affinity, container, podruntime, podsecurity, spread, volumes
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError

RESTART_POLICIES = ("Always", "OnFailure", "Never")
_DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_DEFAULTS = {"dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler"}


def default(spec: Object) -> None:
    """Fill in what templates and pods share."""
    for key, value in _DEFAULTS.items():
        spec[key] = spec.get(key) or value
    if spec.get("securityContext") is None:
        spec["securityContext"] = {}
    if spec.get("terminationGracePeriodSeconds") is None:
        spec["terminationGracePeriodSeconds"] = 30
    _both_account_fields(spec)
    for volume in spec.get("volumes") or ():
        volumes.default(volume)
    for key in ("initContainers", "containers", "ephemeralContainers"):
        for one in spec.get(key) or ():
            container.default(one)


def _both_account_fields(spec: Object) -> None:
    """Keep the deprecated `serviceAccount` equal to `serviceAccountName`, as conversion does upstream."""
    if name := spec.get("serviceAccountName") or spec.get("serviceAccount"):
        spec["serviceAccountName"] = spec["serviceAccount"] = name


def validate(path: str, spec: Object, *, in_pod: bool = False) -> list[FieldError]:
    """Check a pod spec; `in_pod` for the ones of Pods, where host ports have been filled in."""
    mountable, errors = volumes.validate(f"{path}.volumes", spec.get("volumes") or ())
    return [
        *errors,
        *container.validate_all(f"{path}.containers", spec, mountable),
        *container.validate_init(f"{path}.initContainers", spec, mountable),
        *_host_network(path, spec, in_pod),
        *checks.one_of(f"{path}.restartPolicy", spec.get("restartPolicy"), RESTART_POLICIES),
        *checks.one_of(f"{path}.dnsPolicy", spec.get("dnsPolicy"), _DNS_POLICIES),
        *objectmeta.validate_labels(f"{path}.nodeSelector", spec.get("nodeSelector") or {}),
        *podsecurity.validate(f"{path}.securityContext", spec),
        *affinity.validate(f"{path}.affinity", spec.get("affinity") or {}),
        *_dns_config(f"{path}.dnsConfig", spec),
        *_readiness_gates(f"{path}.readinessGates", spec),
        *_scheduling_gates(path, spec, in_pod),
        *spread.validate(f"{path}.topologySpreadConstraints", spec.get("topologySpreadConstraints") or ()),
        *_names(path, spec),
        *podruntime.validate(path, spec),
        *_deadline(f"{path}.activeDeadlineSeconds", spec.get("activeDeadlineSeconds")),
        *taints.validate_tolerations(f"{path}.tolerations", spec.get("tolerations") or ()),
        *_host_aliases(f"{path}.hostAliases", spec),
    ]


def _host_network(path: str, spec: Object, in_pod: bool) -> list[FieldError]:
    if not spec.get("hostNetwork"):
        return []
    errors = []
    for i, one in enumerate(spec.get("containers") or ()):
        for j, port in enumerate(one.get("ports") or ()):
            host = port.get("hostPort") or 0
            if (in_pod or host) and host != (port.get("containerPort") or 0):
                text = "must match `containerPort` when `hostNetwork` is true"
                errors.append(fields.invalid(f"{path}.containers[{i}].ports[{j}].hostPort", host, text))
    return errors


_NAMES = {
    "serviceAccountName": names.dns_subdomain,
    "nodeName": names.dns_subdomain,
    "hostname": names.dns_label,
    "subdomain": names.dns_label,
    "priorityClassName": names.dns_subdomain,
}


def _names(path: str, spec: Object) -> list[FieldError]:
    return [
        e for key, check in _NAMES.items() if spec.get(key) for e in checks.named(f"{path}.{key}", spec[key], check)
    ]


def _deadline(path: str, seconds: int | None) -> list[FieldError]:
    return [] if seconds is None else checks.between(path, seconds, 1, 2**31 - 1)


def _readiness_gates(path: str, spec: Object) -> list[FieldError]:
    return [
        error
        for i, gate in enumerate(spec.get("readinessGates") or ())
        for error in checks.named(f"{path}[{i}].conditionType", gate.get("conditionType") or "", names.qualified_name)
    ]


def _scheduling_gates(path: str, spec: Object, in_pod: bool) -> list[FieldError]:
    errors, seen = [], set()
    for i, gate in enumerate(spec.get("schedulingGates") or ()):
        name = gate.get("name") or ""
        errors += checks.named(f"{path}.schedulingGates[{i}]", name, names.qualified_name)
        if name in seen:
            errors.append(fields.duplicate(f"{path}.schedulingGates[{i}]", name))
        seen.add(name)
    if in_pod and seen and spec.get("nodeName"):
        text = "cannot be set until all schedulingGates have been cleared"
        errors.append(fields.forbidden(f"{path}.nodeName", text))
    return errors


def _host_aliases(path: str, spec: Object) -> list[FieldError]:
    errors = []
    for i, alias in enumerate(spec.get("hostAliases") or ()):
        errors += checks.ip(f"{path}[{i}].ip", alias.get("ip") or "")
        for j, host in enumerate(alias.get("hostnames") or ()):
            errors += checks.named(f"{path}[{i}].hostnames[{j}]", host, names.dns_subdomain)
    return errors


def _dns_config(path: str, spec: Object) -> list[FieldError]:
    config = spec.get("dnsConfig")
    if spec.get("dnsPolicy") == "None":
        if config is None:
            return [fields.required(path, "must provide `dnsConfig` when `dnsPolicy` is None")]
        if not config.get("nameservers"):
            text = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            return [fields.required(f"{path}.nameservers", text)]
    return [] if config is None else _dns_lists(path, config)


def _dns_lists(path: str, config: Object) -> list[FieldError]:
    servers, searches = config.get("nameservers") or [], config.get("searches") or []
    errors = []
    if len(servers) > 3:
        errors.append(fields.invalid(f"{path}.nameservers", servers, "must not have more than 3 nameservers"))
    for i, server in enumerate(servers):
        errors += checks.ip(f"{path}.nameservers[{i}]", server)
    if len(searches) > 32:
        errors.append(fields.invalid(f"{path}.searches", searches, "must not have more than 32 search paths"))
    if len(" ".join(searches)) > 2048:
        text = "must not have more than 2048 characters (including spaces) in the search list"
        errors.append(fields.invalid(f"{path}.searches", searches, text))
    for i, search in enumerate(searches):
        if search != ".":
            errors += checks.named(f"{path}.searches[{i}]", search.removesuffix("."), names.dns_subdomain)
    for i, option in enumerate(config.get("options") or ()):
        if not option.get("name"):
            errors.append(fields.required(f"{path}.options[{i}]", "must not be empty"))
    return errors
