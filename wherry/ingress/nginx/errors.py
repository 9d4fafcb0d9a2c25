"""What can be wrong with nginx."""

from __future__ import annotations


class NginxError(Exception):
    """nginx cannot be started or reloaded; the message says why."""


class ConfigRefused(NginxError):
    """The configuration is refused; what was in force stays so."""
