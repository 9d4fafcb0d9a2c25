"""Words that client and server share: the ways to patch, the events of a watch.

Source: k8s.io/apimachinery pkg/types (PatchType), pkg/watch (EventType).
"""

from __future__ import annotations

from typing import Literal

PatchType = Literal["json", "merge", "strategic"]
EventType = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
