"""A KubeProxyConfiguration, read whole: what is no field is refused by name, what has no effect warned of.

Source: k8s.io/kube-proxy/config/v1alpha1 types.go. What has its zero value counts as not set, as there: kubeadm writes
all fields out.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from wherry.proxy.config import ConfigurationError, seconds
from wherry.proxy.configfields import DONE, FIELDS, FOLLOWED, NO_EFFECT, Fields

log = logging.getLogger(__name__)

_WORDS = {
    str: "a string",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list of strings",
    dict: "a mapping",
}
_IPTABLES_MARKS = ("iptables", "ipvs")
"""Modes whose masquerading is in the section iptables."""
_SECTIONS = {"userspace": "nftables"}
"""Modes that have no section: whose is read, as they tell the kernel by its means."""


def read(file: Path) -> dict[str, Any]:
    """Return what a file sets, as `from_file` does; raises `ConfigurationError`, and `OSError` for one not there."""
    try:
        document = yaml.safe_load(file.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: {error}") from error
    return from_file(document)


def from_file(document: Any) -> dict[str, Any]:
    """Return the `ProxyConfig` fields (and `kubeconfig`) that a KubeProxyConfiguration sets.

    Raises `ConfigurationError` for another kind, and for all that is no field of it or of another type, by name; fields
    that mean something here we do not do are warned of by name.
    """
    if not is_configuration(document):
        raise ConfigurationError("not a KubeProxyConfiguration")
    if document.get("apiVersion") != "kubeproxy.config.k8s.io/v1alpha1":
        raise ConfigurationError(f"apiVersion {document.get('apiVersion')!r} is not kubeproxy.config.k8s.io/v1alpha1")
    if problems := list(_problems(document, FIELDS, "")):
        raise ConfigurationError(f"configuration: {'; '.join(problems)}")
    mode = document.get("mode") or "nftables"
    mode = _SECTIONS.get(mode, mode)
    for name in _without_effect(document, mode):
        log.warning("configuration: %s is not supported and has no effect", name)
    found = ((ours, _value(document, path.format(mode=mode, marks=_marks(mode)))) for ours, path in FOLLOWED.items())
    return {ours: value for ours, value in found if value is not None}


def is_configuration(document: Any) -> bool:
    """Tell whether a parsed document is a KubeProxyConfiguration, of whichever version."""
    return isinstance(document, Mapping) and document.get("kind") == "KubeProxyConfiguration"


def _marks(mode: str) -> str:
    return "iptables" if mode in _IPTABLES_MARKS else mode


def _value(document: Mapping[str, Any], path: str) -> Any:
    """Return what is set there, None where nothing is."""
    kind, value = _at(FIELDS, path), _at(document, path)
    if kind == "duration":
        return seconds(value) or None if value else None
    if kind is list:
        return ",".join(value) if value else None
    return None if value == "" else value


def _at(tree: Any, path: str) -> Any:
    for name in path.split("."):
        tree = (tree or {}).get(name)
    return tree


def _problems(given: Mapping[Any, Any], fields: Fields, where: str) -> Iterator[str]:
    """Yield what is wrong with the fields of one mapping."""
    for name, value in given.items():
        path = f"{where}{name}"
        kind = fields.get(name)
        if kind is None:
            yield f"{path} is no field of it"
        elif value is None:
            continue
        elif isinstance(kind, Mapping):
            yield from _problems(value, kind, f"{path}.") if isinstance(value, Mapping) else (f"{path} is no mapping",)
        elif kind == "duration":
            yield from _duration_problems(value, path)
        elif not _is(value, kind):
            yield f"{path}: {value!r} is not {_WORDS[kind]}"


def _is(value: Any, kind: Any) -> bool:
    if kind is list:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if kind in (int, float):
        return isinstance(value, (int, kind)) and not isinstance(value, bool)
    return isinstance(value, kind)


def _duration_problems(value: Any, path: str) -> Iterator[str]:
    try:
        seconds(value if isinstance(value, str) else repr(value))
    except ConfigurationError as error:
        yield f"{path}: {error}"


def _without_effect(document: Mapping[str, Any], mode: str) -> Iterator[str]:
    """Yield the fields set that we do not follow; other modes' sections mean nothing to this one."""
    for path in NO_EFFECT:
        section = path.partition(".")[0]
        if section in ("nftables", "iptables", "ipvs") and section not in (mode, _marks(mode)):
            continue
        value = _at(document, path)
        if isinstance(value, Mapping):
            yield from (f"{path}.{name}" for name, held in value.items() if _is_set(held))
        elif _is_set(value) and value not in DONE.get(path, ()):
            yield path


def _is_set(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_is_set, value.values()))
    return value not in (None, "", 0, "0", "0s", [])
