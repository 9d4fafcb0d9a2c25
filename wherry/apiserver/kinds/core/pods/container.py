"""A container of a pod: defaults and checks.

Source: k8s.io/kubernetes pkg/apis/core/v1/defaults.go (SetDefaults_Container), pkg/util/parsers,
pkg/apis/core/validation/validation.go (validateContainerCommon, validateContainers, validateInitContainers).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from wherry.apiserver.kinds.common import checks
from wherry.apiserver.kinds.core import resourcelist
from wherry.apiserver.kinds.core.pods import environment, probe, profiles, resizepolicy, volumes
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError
from wherry.objects.meaning.pods import is_sidecar

_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
_SIDECAR_ONLY = ("lifecycle", *probe.PROBES)


def image_tag(image: str) -> str:
    """Return the tag an image reference asks for: `latest` without tag and digest, "" with only a digest."""
    name, _, digest = image.partition("@")
    _, colon, tag = name.rpartition("/")[2].partition(":")
    if colon:
        return tag
    return "" if digest else "latest"


def default(container: Object) -> None:
    """Fill in a container, in a pod or in a template."""
    if not container.get("imagePullPolicy"):
        latest = image_tag(container.get("image") or "") == "latest"
        container["imagePullPolicy"] = "Always" if latest else "IfNotPresent"
    container["terminationMessagePath"] = container.get("terminationMessagePath") or "/dev/termination-log"
    container["terminationMessagePolicy"] = container.get("terminationMessagePolicy") or "File"
    for port in container.get("ports") or ():
        port["protocol"] = port.get("protocol") or "TCP"
    resources = container.setdefault("resources", {})
    resourcelist.round_up(resources.get("limits"))
    resourcelist.round_up(resources.get("requests"))
    environment.default(container)
    probe.default(container)


def validate_all(path: str, spec: Object, mountable: Collection[str]) -> list[FieldError]:
    """Check the regular containers of a pod spec; `mountable` are the names of its good volumes."""
    containers = spec.get("containers") or ()
    if not containers:
        return [fields.required(path)]
    errors, seen = [], set()
    for i, container in enumerate(containers):
        here = f"{path}[{i}]"
        errors += validate_common(here, container, mountable)
        if (name := container.get("name")) in seen:
            errors.append(fields.duplicate(f"{here}.name", name or ""))
        seen.add(name)
        errors += probe.validate(here, container, spec.get("terminationGracePeriodSeconds"))
        errors += resizepolicy.validate(here, container, spec.get("restartPolicy"))
        if container.get("restartPolicy") is not None:
            text = "may not be set for non-init containers"
            errors.append(fields.forbidden(f"{here}.restartPolicy", text))
    return errors + _host_ports(path, containers)


def validate_init(path: str, spec: Object, mountable: Collection[str]) -> list[FieldError]:
    """Check the init containers of a pod spec, sidecars among them."""
    seen = {c.get("name") for c in spec.get("containers") or ()}
    errors = []
    for i, container in enumerate(spec.get("initContainers") or ()):
        here = f"{path}[{i}]"
        errors += validate_common(here, container, mountable)
        if (policy := container.get("restartPolicy")) not in (None, "Always"):
            errors.append(fields.not_supported(f"{here}.restartPolicy", policy, ("Always",)))
        if (name := container.get("name")) in seen:
            errors.append(fields.duplicate(f"{here}.name", name or ""))
        seen.add(name)
        errors += _host_ports(path, [container])
        errors += _sidecar(here, container, spec.get("terminationGracePeriodSeconds"))
        errors += resizepolicy.validate(here, container, spec.get("restartPolicy"), is_init=True)
    return errors


def _sidecar(path: str, container: Object, grace: int | None) -> list[FieldError]:
    if is_sidecar(container):
        return probe.validate(path, container, grace)
    text = "may not be set for init containers without restartPolicy=Always"
    return [fields.forbidden(f"{path}.{key}", text) for key in _SIDECAR_ONLY if container.get(key) is not None]


def validate_common(path: str, container: Object, mountable: Collection[str]) -> list[FieldError]:
    """Check what containers of every kind have."""
    return [
        *checks.required_name(f"{path}.name", container.get("name"), names.dns_label),
        *([] if container.get("image") else [fields.required(f"{path}.image")]),
        *checks.one_of(
            f"{path}.terminationMessagePolicy", container.get("terminationMessagePolicy"), _MESSAGE_POLICIES
        ),
        *_ports(f"{path}.ports", container.get("ports") or ()),
        *environment.validate(path, container),
        *volumes.validate_mounts(f"{path}.volumeMounts", container, mountable),
        *checks.one_of(f"{path}.imagePullPolicy", container.get("imagePullPolicy"), _PULL_POLICIES),
        *resourcelist.validate_requirements(f"{path}.resources", container.get("resources") or {}),
        *_security_context(f"{path}.securityContext", container.get("securityContext") or {}),
    ]


def _ports(path: str, ports: Sequence[Object]) -> list[FieldError]:
    errors: list[FieldError] = []
    seen = set()
    for i, port in enumerate(ports):
        here = f"{path}[{i}]"
        if name := port.get("name"):
            if wrong := checks.named(f"{here}.name", name, names.port_name):
                errors += wrong
            elif name in seen:
                errors.append(fields.duplicate(f"{here}.name", name))
            seen.add(name)
        if not port.get("containerPort"):
            errors.append(fields.required(f"{here}.containerPort"))
        else:
            errors += checks.port(f"{here}.containerPort", port["containerPort"])
        if port.get("hostPort"):
            errors += checks.port(f"{here}.hostPort", port["hostPort"])
        if port.get("hostIP"):
            errors += checks.ip(f"{here}.hostIP", port["hostIP"])
        errors += checks.one_of(f"{here}.protocol", port.get("protocol"), checks.PROTOCOLS)
    return errors


def _host_ports(path: str, containers: Sequence[Object]) -> list[FieldError]:
    """Refuse two host ports that are the same."""
    errors, seen = [], set()
    for i, container in enumerate(containers):
        for j, port in enumerate(container.get("ports") or ()):
            if number := port.get("hostPort"):
                key = f"{port.get('protocol', '')}/{port.get('hostIP', '')}/{number}"
                if key in seen:
                    errors.append(fields.duplicate(f"{path}[{i}].ports[{j}].hostPort", key))
                seen.add(key)
    return errors


def _security_context(path: str, context: Object) -> list[FieldError]:
    errors = []
    for key in ("runAsUser", "runAsGroup"):
        if (number := context.get(key)) is not None:
            errors += checks.between(f"{path}.{key}", number, 0, checks.MAX_ID)
    errors += profiles.validate(path, context)
    if context.get("allowPrivilegeEscalation") is False:
        if context.get("privileged"):
            text = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            errors.append(fields.invalid(path, context, text))
        if "CAP_SYS_ADMIN" in ((context.get("capabilities") or {}).get("add") or ()):
            text = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            errors.append(fields.invalid(path, context, text))
    return errors


def validate_image_text(path: str, containers: Sequence[Object]) -> list[FieldError]:
    """Refuse white space around image names: a rule for pods that templates are spared."""
    text = "must not have leading or trailing whitespace"
    return [
        fields.invalid(f"{path}[{i}].image", c["image"], text)
        for i, c in enumerate(containers)
        if c.get("image") and c["image"] != c["image"].strip()
    ]
