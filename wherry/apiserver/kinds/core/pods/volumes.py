"""The volumes of a pod and where containers mount them.

Source: k8s.io/kubernetes pkg/apis/core/v1/defaults.go, pkg/apis/core/validation/validation.go (ValidateVolumes,
ValidateVolumeMounts). Kubernetes knows many more volume types; the ones no node here can mount are refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from wherry.apiserver.kinds.common import checks, objectmeta
from wherry.apiserver.kinds.core import hostpath
from wherry.apiserver.kinds.core.pods import fieldref
from wherry.apiserver.kinds.core.storage import claimspec
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError

DEFAULT_MODE = 0o644
_TOKEN_SECONDS = 3600
_MODE_RULE = "must be a number between 0 and 0777 (octal), both inclusive"
_RECURSIVE = ("Disabled", "Enabled", "IfPossible")
_PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")
_KEY_SOURCES = ("secret", "configMap")


def default(volume: Object) -> None:
    """Fill in a volume: an emptyDir where no type is given, file modes, token lifetimes."""
    if not (volume.keys() - {"name"}):
        volume["emptyDir"] = {}
    if (host := volume.get("hostPath")) is not None:
        host.setdefault("type", "")
    for kind in (*_KEY_SOURCES, "downwardAPI", "projected"):
        if (source := volume.get(kind)) is not None and source.get("defaultMode") is None:
            source["defaultMode"] = DEFAULT_MODE
    if template := (volume.get("ephemeral") or {}).get("volumeClaimTemplate"):
        claimspec.default_spec(template)
    fieldref.default_items((volume.get("downwardAPI") or {}).get("items"))
    for source in (volume.get("projected") or {}).get("sources") or ():
        fieldref.default_items((source.get("downwardAPI") or {}).get("items"))
        if (token := source.get("serviceAccountToken")) is not None and token.get("expirationSeconds") is None:
            token["expirationSeconds"] = _TOKEN_SECONDS


def validate(path: str, volumes: Sequence[Object]) -> tuple[set[str], list[FieldError]]:
    """Check volumes; return the names a container may mount, and the errors."""
    good: set[str] = set()
    errors = []
    for i, volume in enumerate(volumes):
        found = _volume(f"{path}[{i}]", volume)
        name = volume.get("name") or ""
        if name in good:
            found.append(fields.duplicate(f"{path}[{i}].name", name))
        if not found:
            good.add(name)
        errors += found
    return good, errors


def _volume(path: str, volume: Object) -> list[FieldError]:
    given = [kind for kind in volume if kind != "name" and volume[kind] is not None]
    if not given:
        return [fields.required(path, "must specify a volume type")]
    first, *more = given
    check = _CHECKS.get(first)
    if check is None:
        text = f"volumes of type {first} are not supported by this cluster"
        errors = [fields.forbidden(f"{path}.{first}", text)]
    else:
        errors = check(f"{path}.{first}", volume[first])
    errors += [fields.forbidden(f"{path}.{kind}", "may not specify more than 1 volume type") for kind in more]
    return errors + checks.required_name(f"{path}.name", volume.get("name"), names.dns_label)


def _empty_dir(path: str, source: Object) -> list[FieldError]:
    return []


def _claim(path: str, source: Object) -> list[FieldError]:
    return checks.required_name(f"{path}.claimName", source.get("claimName"), names.dns_subdomain)


def _ephemeral(path: str, source: Object) -> list[FieldError]:
    if (template := source.get("volumeClaimTemplate")) is None:
        return [fields.required(f"{path}.volumeClaimTemplate")]
    here, meta = f"{path}.volumeClaimTemplate", template.get("metadata") or {}
    errors = objectmeta.validate_labels(f"{here}.metadata.labels", meta.get("labels") or {})
    errors += objectmeta.validate_annotations(f"{here}.metadata.annotations", meta.get("annotations") or {})
    return errors + claimspec.validate(f"{here}.spec", template.get("spec") or {})


def _secret(path: str, source: Object) -> list[FieldError]:
    errors = [] if source.get("secretName") else [fields.required(f"{path}.secretName")]
    return errors + _mode(f"{path}.defaultMode", source.get("defaultMode")) + _items(path, source)


def _config_map(path: str, source: Object) -> list[FieldError]:
    errors = [] if source.get("name") else [fields.required(f"{path}.name")]
    return errors + _mode(f"{path}.defaultMode", source.get("defaultMode")) + _items(path, source)


def _downward_api(path: str, source: Object) -> list[FieldError]:
    errors = _mode(f"{path}.defaultMode", source.get("defaultMode"))
    for item in source.get("items") or ():
        errors += _downward_item(path, item)
    return errors


def _projected(path: str, source: Object) -> list[FieldError]:
    errors = _mode(f"{path}.defaultMode", source.get("defaultMode"))
    seen: set[str] = set()
    for i, entry in enumerate(source.get("sources") or ()):
        here = f"{path}.sources[{i}]"
        for kind, projection in entry.items():
            errors += _projection(path, f"{here}.{kind}", kind, projection)
            for item in projection.get("items") or ():
                if item.get("path") in seen:
                    shown = item["path"] if kind == "downwardAPI" else projection.get("name", "")
                    errors.append(fields.invalid(path, shown, "conflicting duplicate paths"))
                seen.add(item.get("path"))
        if len(entry) > 1:
            errors.append(fields.forbidden(here, "may not specify more than 1 volume type per source"))
    return errors


def _projection(volume: str, path: str, kind: str, source: Object) -> list[FieldError]:
    if kind in _KEY_SOURCES:
        errors = [] if source.get("name") else [fields.required(f"{path}.name")]
        return errors + _items(path, source)
    if kind == "downwardAPI":
        return [error for item in source.get("items") or () for error in _downward_item(path, item)]
    if kind == "serviceAccountToken":
        return _token(volume, path, source)
    return [fields.forbidden(path, f"projections of type {kind} are not supported by this cluster")]


def _token(volume: str, path: str, source: Object) -> list[FieldError]:
    seconds = source.get("expirationSeconds") or 0
    errors = []
    if seconds < 600:
        text = "may not specify a duration less than 10 minutes"
        errors.append(fields.invalid(f"{path}.expirationSeconds", seconds, text))
    if seconds > 1 << 32:
        text = "may not specify a duration larger than 2^32 seconds"
        errors.append(fields.invalid(f"{path}.expirationSeconds", seconds, text))
    if not source.get("path"):
        return [*errors, fields.required(f"{volume}.path")]
    return errors + _local_path(f"{volume}.path", source["path"])


_CHECKS: dict[str, Callable[[str, Object], list[FieldError]]] = {
    "emptyDir": _empty_dir,
    "hostPath": hostpath.validate,
    "secret": _secret,
    "configMap": _config_map,
    "downwardAPI": _downward_api,
    "projected": _projected,
    "persistentVolumeClaim": _claim,
    "ephemeral": _ephemeral,
}


def _items(path: str, source: Object) -> list[FieldError]:
    errors = []
    for i, item in enumerate(source.get("items") or ()):
        here = f"{path}.items[{i}]"
        errors += [] if item.get("key") else [fields.required(f"{here}.key")]
        errors += _file(here, item)
    return errors


def _downward_item(path: str, item: Object) -> list[FieldError]:
    return _file(path, item) + fieldref.validate_file(path, item)


def _file(path: str, item: Object) -> list[FieldError]:
    errors = [] if item.get("path") else [fields.required(f"{path}.path")]
    return errors + _local_path(f"{path}.path", item.get("path") or "") + _mode(f"{path}.mode", item.get("mode"))


def _mode(path: str, mode: int | None) -> list[FieldError]:
    return [] if mode is None or 0 <= mode <= 0o777 else [fields.invalid(path, mode, _MODE_RULE)]


def _local_path(path: str, value: str) -> list[FieldError]:
    errors = hostpath.descending(path, value)
    if value.startswith("..") and not value.startswith("../"):
        errors.append(fields.invalid(path, value, "must not start with '..'"))
    return errors


def validate_mounts(path: str, container: Object, volumes: Collection[str]) -> list[FieldError]:
    """Check a container's volumeMounts against the names of the pod's volumes."""
    errors = []
    seen = set()
    for i, mount in enumerate(container.get("volumeMounts") or ()):
        here, name, target = f"{path}[{i}]", mount.get("name") or "", mount.get("mountPath") or ""
        if not name:
            errors.append(fields.required(f"{here}.name"))
        if name not in volumes:
            errors.append(fields.not_found(f"{here}.name", name))
        if not target:
            errors.append(fields.required(f"{here}.mountPath"))
        if target in seen:
            errors.append(fields.invalid(f"{here}.mountPath", target, "must be unique"))
        seen.add(target)
        errors += _mount_options(path, here, mount, container)
    return errors


def _mount_options(path: str, here: str, mount: Object, container: Object) -> list[FieldError]:
    errors = []
    if sub := mount.get("subPath"):
        errors += hostpath.descending(f"{path}.subPath", sub)
    if expression := mount.get("subPathExpr"):
        if sub:
            text = "subPathExpr and subPath are mutually exclusive"
            errors.append(fields.invalid(f"{here}.subPathExpr", expression, text))
        errors += hostpath.descending(f"{path}.subPathExpr", expression)
    if (mode := mount.get("mountPropagation")) is not None:
        if mode not in _PROPAGATIONS:
            errors.append(fields.not_supported(f"{path}.mountPropagation", mode, _PROPAGATIONS))
        if mode == "Bidirectional" and not (container.get("securityContext") or {}).get("privileged"):
            text = "Bidirectional mount propagation is available only to privileged containers"
            errors.append(fields.forbidden(f"{path}.mountPropagation", text))
    return errors + _recursive(f"{path}.recursiveReadOnly", mount)


def _recursive(path: str, mount: Object) -> list[FieldError]:
    mode, errors = mount.get("recursiveReadOnly") or "Disabled", []
    if mode not in _RECURSIVE:
        return [fields.not_supported(path, mode, _RECURSIVE)]
    if mode != "Disabled" and not mount.get("readOnly"):
        errors.append(fields.forbidden(path, "may only be specified when readOnly is true"))
    if mode != "Disabled" and (mount.get("mountPropagation") or "None") != "None":
        text = "may only be specified when mountPropagation is None or not specified"
        errors.append(fields.forbidden(path, text))
    return errors
