"""What may become of a new connection: the words of the test language."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """`what` is to, REJECT, DROP or PASS (not touched). `pods`: all it may reach. `masqueraded`: the source changed."""

    what: str
    pods: frozenset[str] = frozenset()
    masqueraded: bool = False

    def __str__(self) -> str:
        how = " masqueraded" if self.masqueraded else ""
        return f"{self.what} {','.join(sorted(self.pods))}{how}".strip()


REJECT = Outcome("REJECT")
DROP = Outcome("DROP")
PASS = Outcome("PASS")


def to(*pods: str) -> Outcome:
    return Outcome("to", frozenset(pods))


def masqueraded_to(*pods: str) -> Outcome:
    return Outcome("to", frozenset(pods), masqueraded=True)
