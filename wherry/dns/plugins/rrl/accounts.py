"""Who has had how much: an account per network and kind of answer, credited as time goes by."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

SECOND = 1_000_000_000


@dataclass(slots=True)
class _Account:
    """`since`: its balance is the time that has passed since then, in nanoseconds; in debt it lies ahead."""

    since: int
    withheld: int = 0


class Accounts:
    """At most `most` accounts; `window` (nanoseconds) is as far as one goes into debt, `clock` gives nanoseconds.

    A new account beyond that takes the place of the one idle for longest, if that has its whole credit again: it is as
    good as new. If not, what is new is not limited, and `untracked` hears of it.
    """

    def __init__(self, window: int, most: int, clock: Callable[[], int], untracked: Callable[[], None]):
        self._window = window
        self._most = most
        self._clock = clock
        self._untracked = untracked
        self._accounts: OrderedDict[Hashable, _Account] = OrderedDict()  # in the order of their last debit

    def __len__(self) -> int:
        return len(self._accounts)

    def debit(self, key: Hashable, interval: int) -> int:
        """Take what is earned in `interval` nanoseconds; return 0, or how many have been withheld, with this one.

        What is not taken is kept for a second, but one may always be saved up.
        """
        now, most = self._clock(), max(SECOND, interval)
        account = self._accounts.get(key)
        if account is None:
            if len(self._accounts) >= self._most and not self._make_place(now, most):
                self._untracked()
                return 0
            account = self._accounts[key] = _Account(now - most)
        else:
            self._accounts.move_to_end(key)
        balance = max(min(now - account.since, most) - interval, -self._window)
        account.since = now - balance
        if balance >= 0:
            return 0
        account.withheld += 1
        return account.withheld

    def _make_place(self, now: int, most: int) -> bool:
        key, oldest = next(iter(self._accounts.items()), (None, None))
        if oldest is None or now - oldest.since < most:
            return False
        del self._accounts[key]
        return True
