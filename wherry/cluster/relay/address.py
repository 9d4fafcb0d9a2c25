"""What a relay is given."""

from __future__ import annotations

import socket
from collections.abc import Callable

Address = tuple[str, int]
Dial = Callable[[], socket.socket]
"""Makes an unconnected, non-blocking socket in the target's network namespace."""
Target = Callable[[], Address | None]
"""Where to connect now; None when there is nowhere."""
