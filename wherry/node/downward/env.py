"""A container's environment. Pure: what it needs from the API is passed in as lookups.

Source: k8s.io/api/core/v1 EnvVar, EnvFromSource; kubernetes pkg/kubelet/kubelet_pods.go (makeEnvironmentVariables) and
pkg/kubelet/envvars/envvars.go (variables of Services).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from wherry.node.downward import fields
from wherry.node.downward.expansion import expand
from wherry.objects import Object, names
from wherry.objects.family import bracketed

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

Lookup = Callable[[str, str], Object | None]
"""Returns the ConfigMap or Secret of a kind ("ConfigMap", "Secret") and name in the pod's namespace, or None."""


class ConfigError(ValueError):
    """The container cannot be configured yet: waiting reason CreateContainerConfigError with this message."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What the environment depends on beside the pod: its addresses, its Services, the node's resources."""

    pod_ips: Sequence[str]
    host_ips: Sequence[str]
    services: Iterable[Object]
    allocatable: Mapping[str, int]
    lookup: Lookup


def environment(pod: Object, container: Object, image_env: Mapping[str, str], around: Sources) -> dict[str, str]:
    """Return the complete environment; raises ConfigError for a reference that leads nowhere."""
    links = service_variables(pod, around.services)
    base = {"PATH": DEFAULT_PATH, "HOSTNAME": fields.hostname(pod)} | dict(image_env)
    if container.get("tty"):
        base["TERM"] = "xterm"
    declared: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        declared |= _env_from(source, around.lookup)
    for entry in container.get("env") or ():
        value = _value(pod, container, entry, {**links, **declared}, around)
        if value is not None:
            declared[entry["name"]] = value
    return base | links | declared


def _env_from(source: Object, lookup: Lookup) -> dict[str, str]:
    if "secretRef" in source:
        data = _data("Secret", source["secretRef"], lookup) or {}
    else:
        data = _data("ConfigMap", source["configMapRef"], lookup) or {}
    prefix = source.get("prefix", "")
    named = {prefix + key: value for key, value in data.items()}
    return {name: value for name, value in named.items() if not names.env_name(name)}


def _value(pod: Object, container: Object, entry: Object, known: Mapping[str, str], around: Sources) -> str | None:
    source = entry.get("valueFrom")
    if not source:
        return expand(entry.get("value") or "", known)
    if "fieldRef" in source:
        path = source["fieldRef"]["fieldPath"]
        try:
            return fields.value(pod, path, pod_ips=around.pod_ips, host_ips=around.host_ips)
        except ValueError as error:
            raise ConfigError(str(error)) from error
    if "resourceFieldRef" in source:
        return str(fields.resource(pod, container, source["resourceFieldRef"], around.allocatable))
    if "configMapKeyRef" in source:
        return _key("ConfigMap", source["configMapKeyRef"], pod, around.lookup)
    if "secretKeyRef" in source:
        return _key("Secret", source["secretKeyRef"], pod, around.lookup)
    raise ConfigError(f"env {entry['name']}: valueFrom {', '.join(source)} is not supported by this node")


def _key(kind: str, reference: Object, pod: Object, lookup: Lookup) -> str | None:
    data = _data(kind, reference, lookup)
    key = reference["key"]
    if data is not None and key in data:
        return data[key]
    if reference.get("optional"):
        return None
    raise ConfigError(f"couldn't find key {key} in {kind} {pod['metadata']['namespace']}/{reference.get('name', '')}")


def _data(kind: str, reference: Object, lookup: Lookup) -> dict[str, str] | None:
    name = reference.get("name", "")
    obj = lookup(kind, name)
    if obj is None:
        if reference.get("optional"):
            return None
        raise ConfigError(f'{kind.lower()} "{name}" not found')
    if kind == "ConfigMap":
        return dict(obj.get("data") or {})
    return {k: base64.b64decode(v).decode(errors="replace") for k, v in (obj.get("data") or {}).items()}


def service_variables(pod: Object, services: Iterable[Object]) -> dict[str, str]:
    """Return `NAME_SERVICE_HOST` and its relatives for the Services the pod may see.

    Always the `kubernetes` Service of `default`; those of its own namespace unless enableServiceLinks is false.
    """
    namespace = pod["metadata"]["namespace"]
    links = (pod.get("spec") or {}).get("enableServiceLinks", True) is not False
    chosen: dict[str, Object] = {}
    for service in services:
        where, name = service["metadata"]["namespace"], service["metadata"]["name"]
        master = where == "default" and name == "kubernetes"
        if (links and where == namespace) or (master and name not in chosen):
            chosen[name] = service
    variables: dict[str, str] = {}
    for name in sorted(chosen):
        variables |= _of_service(chosen[name])
    return variables


def _of_service(service: Object) -> dict[str, str]:
    spec = service["spec"]
    address, ports = spec.get("clusterIP") or "", spec.get("ports") or []
    if address in ("", "None") or not ports:
        return {}
    prefix = service["metadata"]["name"].upper().replace("-", "_")
    variables = {f"{prefix}_SERVICE_HOST": address, f"{prefix}_SERVICE_PORT": str(ports[0]["port"])}
    for port in ports:
        if port.get("name"):
            suffix = port["name"].upper().replace("-", "_")
            variables[f"{prefix}_SERVICE_PORT_{suffix}"] = str(port["port"])
    for i, port in enumerate(ports):
        number, protocol = str(port["port"]), port.get("protocol", "TCP")
        url = f"{protocol.lower()}://{bracketed(address)}:{number}"
        if i == 0:
            variables[f"{prefix}_PORT"] = url
        one = f"{prefix}_PORT_{number}_{protocol}"
        variables |= {one: url, f"{one}_PROTO": protocol.lower(), f"{one}_PORT": number, f"{one}_ADDR": address}
    return variables
