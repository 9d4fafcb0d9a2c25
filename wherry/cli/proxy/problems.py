"""What can be wrong with what a proxy is told, or with its API: one line each."""

from __future__ import annotations

from wherry.client.kubeconfig import ConfigError
from wherry.objects.errors import ApiError
from wherry.proxy.config import ConfigurationError
from wherry.proxy.modes import ModeError, UnsupportedMode

PROBLEMS = (ConfigurationError, UnsupportedMode, ConfigError, ModeError, ApiError, OSError)
