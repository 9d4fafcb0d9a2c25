"""How an image cannot be had."""

from __future__ import annotations


class PullError(Exception):
    """An image cannot be had. `reason` is the container's waiting reason (ErrImagePull, ErrImageNeverPull …)."""

    def __init__(self, message: str, reason: str = "ErrImagePull"):
        super().__init__(message)
        self.message = message
        self.reason = reason


class RegistryError(PullError):
    """A registry said no, or said nothing: the message has its own words. `status`: the answer's, 0 for none."""

    def __init__(self, message: str, status: int = 0):
        super().__init__(message)
        self.status = status


class ContentError(PullError):
    """What came is not what was asked for, or nothing this machine can run."""
