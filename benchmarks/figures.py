"""How the benchmarks print what they measured: median, spread, and the ratio to a limit or a peer."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def line(what: str, values: Sequence[float], unit: str, *, limit: float | None = None, peer: str = "limit") -> str:
    """Return one line: ``what: median 2.41 s (2.30–2.58, n=5), 0.80 of the limit 3 s``."""
    middle = statistics.median(values)
    text = f"{what}: median {middle:.2f} {unit} ({min(values):.2f}–{max(values):.2f}, n={len(values)})"
    return text if limit is None else f"{text}, {middle / limit:.2f} of the {peer} {limit:g} {unit}"
