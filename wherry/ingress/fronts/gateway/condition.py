"""Conditions: what a status says of one aspect of an object."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Condition:
    """One aspect. `reason` is a CamelCase word of Gateway API's, `message` a sentence for the object's owner."""

    type: str
    status: bool
    reason: str
    message: str = ""


ACCEPTED = "Accepted"
CONFLICTED = "Conflicted"
PROGRAMMED = "Programmed"
RESOLVED = "ResolvedRefs"
