"""When what has ended is started again: the rule for all that is, be it a process, a task or a container of the system.

Pure, and without an import: who only waits for a process stays small (`wherry/ingress/guardian/watch.py`).
"""

RARE = 4
"""So many ends a minute are no reason to wait."""
FORGIVEN_SECONDS = 60.0 / RARE
"""For each of which that something runs, one of its ends is forgotten."""
FIRST_SECONDS = 0.1
LONGEST_SECONDS = 10.0
"""What makes something end may be mended at any moment; a start each ten seconds is no burden meanwhile."""
MOST = RARE + 8
"""Ends that are remembered: from there on the pause is the longest."""


class Restarts:
    """The pauses before starts: none while ends are rare, then 0.1 s, twice as long each time, 10 s at most.

    `ends` is how many are remembered: a bucket that running empties. So no rhythm of rare ends ever makes a pause, and
    what ends as soon as it starts is left alone for longer and longer.
    """

    __slots__ = ("ends",)

    def __init__(self, ends: float = 0.0):
        self.ends = ends

    def ended(self, lasted: float) -> float:
        """Take note that a run of `lasted` seconds has ended, and return the pause (seconds) before the next."""
        self.ends = min(max(0.0, self.ends - lasted / FORGIVEN_SECONDS) + 1.0, MOST)
        over = int(self.ends) - RARE
        return min(FIRST_SECONDS * 2.0 ** (over - 1), LONGEST_SECONDS) if over > 0 else 0.0
