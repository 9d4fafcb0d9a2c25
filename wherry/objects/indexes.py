"""Sets of indexes as an indexed Job has them, and as it writes them: `1,3-5,7`.

They are kept as ranges: a Job may have two billion indexes, and who names them all in a few characters makes nobody
count them one by one.

Source: k8s.io/kubernetes pkg/controller/job/indexed_job_utils.go, pkg/apis/batch/validation/validation.go
(validateIndexesFormat).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

_MOST_DIGITS = 18


class IndexSet:
    """A set of numbers from 0 up. What is done with it costs what its ranges are, not its numbers."""

    __slots__ = ("_ranges",)

    def __init__(self, ranges: Iterable[range] = ()):
        self._ranges: list[range] = []
        for one in sorted(filter(None, ranges), key=lambda r: r.start):
            if self._ranges and one.start <= self._ranges[-1].stop:
                last = self._ranges.pop()
                one = range(last.start, max(last.stop, one.stop))
            self._ranges.append(one)

    @classmethod
    def of(cls, numbers: Iterable[int]) -> IndexSet:
        """Return the set of some numbers."""
        return cls(range(n, n + 1) for n in numbers)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._ranges, number, key=lambda r: r.start)
        return at > 0 and number in self._ranges[at - 1]

    def __len__(self) -> int:
        return sum(map(len, self._ranges))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IndexSet) and self._ranges == other._ranges

    __hash__ = None  # type: ignore[assignment]

    def __or__(self, other: IndexSet) -> IndexSet:
        return IndexSet([*self._ranges, *other._ranges])

    def __sub__(self, other: IndexSet) -> IndexSet:
        return self & IndexSet(other.gaps(self._ranges[-1].stop if self._ranges else 0))

    def __and__(self, other: IndexSet) -> IndexSet:
        both, mine, theirs = [], list(self._ranges), list(other._ranges)
        while mine and theirs:
            a, b = mine[-1], theirs[-1]
            both.append(range(max(a.start, b.start), min(a.stop, b.stop)))
            (mine if a.start >= b.start else theirs).pop()
        return IndexSet(both)

    def ranges(self) -> list[range]:
        """Return the ranges, in ascending order, with a gap between any two."""
        return list(self._ranges)

    def gaps(self, end: int) -> Iterator[range]:
        """Yield the ranges below `end` that are not in the set, in ascending order."""
        start = 0
        for one in self._ranges:
            if one.start >= end:
                break
            yield range(start, one.start)
            start = one.stop
        yield range(start, end)


def parse(text: str, below: int | None = None) -> IndexSet:
    """Return the indexes a text lists; ValueError for no such list, one not in order, or an index not `below`."""
    found: list[range] = []
    for part in filter(None, text.split(",")):
        first, last = _bounds(part)
        if found and first < found[-1].stop:
            raise ValueError(f"non-increasing order, previous: {found[-1].stop - 1}, current: {first}")
        if below is not None and last >= below:
            raise ValueError(f'too large index: "{last}"')
        found.append(range(first, last + 1))
    return IndexSet(found)


def _bounds(part: str) -> tuple[int, int]:
    ends = part.split("-")
    if len(ends) > 2:
        raise ValueError(
            f'the fragment "{part}" violates the requirement that an index interval can have at most two parts'
        )
    numbers = [_number(end) for end in ends]
    if len(numbers) == 2 and numbers[0] >= numbers[1]:
        raise ValueError(f"non-increasing order, previous: {numbers[0]}, current: {numbers[1]}")
    return numbers[0], numbers[-1]


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise ValueError(f'cannot convert string to integer for index: "{text}"')
    return int(text)


def text(indexes: IndexSet) -> str:
    """Return indexes as text; three and more in a row as an interval."""
    return ",".join(map(_run, indexes.ranges()))


def _run(run: range) -> str:
    if len(run) > 2:
        return f"{run[0]}-{run[-1]}"
    return ",".join(map(str, run))
