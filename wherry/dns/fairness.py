"""How many questions may be under way, and whose.

While there is room everybody is answered. When there is none left, a client that has more than its share of it is told
nothing: its resolver asks again, and the others never notice it.
"""

from __future__ import annotations

MOST = 4096


class Fairness:
    """Counts the questions under way by client."""

    def __init__(self, most: int = MOST):
        self._most = most
        self._held: dict[str, int] = {}
        self._total = 0

    def take(self, client: str) -> bool:
        """Whether a client's next question is answered; `leave` follows if so."""
        mine = self._held.get(client, 0)
        if self._total >= self._most and mine * (len(self._held) + (not mine)) >= self._most:
            return False
        self._held[client] = mine + 1
        self._total += 1
        return True

    def leave(self, client: str) -> None:
        """A question of a client is answered."""
        self._total -= 1
        self._held[client] -= 1
        if not self._held[client]:
            del self._held[client]
