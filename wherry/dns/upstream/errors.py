"""Why an upstream gave no answer."""

from __future__ import annotations


class UpstreamError(Exception):
    """It did not answer in time, or not with DNS."""
