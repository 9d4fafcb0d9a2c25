"""The KubeProxyConfiguration in a ConfigMap, and the ConfigMap with another mode in it (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from wherry.objects import Object
from wherry.proxy.config import ConfigurationError
from wherry.proxy.configfile import is_configuration

_MODE = re.compile(r"^mode:.*$", re.MULTILINE)


def configuration(config_map: Object) -> tuple[str, Mapping[str, Any]] | None:
    """Return the key of a ConfigMap under which a KubeProxyConfiguration is, with what it says; None: there is none."""
    for key, text in (config_map.get("data") or {}).items():
        document = _parsed(text)
        if is_configuration(document):
            return key, document
    return None


def with_mode(text: str, mode: str) -> str:
    """Return a configuration's text with another mode, comments and all else as they are.

    Written anew where one line cannot say it, as in JSON. Raises `ConfigurationError` for what is no configuration.
    """
    document = _parsed(text)
    if not is_configuration(document):
        raise ConfigurationError("not a KubeProxyConfiguration")
    wanted = {**document, "mode": mode}
    line = f"mode: {mode}"
    for changed in (_MODE.sub(line, text), f"{text.rstrip()}\n{line}\n"):
        if _parsed(changed) == wanted:
            return changed
    return yaml.safe_dump(wanted, sort_keys=False)


def _parsed(text: str) -> Any:
    """Return a YAML document, None for what is none: other keys of a ConfigMap may be anything."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None
