"""Sets of indexes as an indexed Job writes them: `1,3-5,7`.

Source: k8s.io/kubernetes pkg/controller/job/indexed_job_utils.go, pkg/apis/batch/validation/validation.go
(validateIndexesFormat).
"""

from __future__ import annotations

from collections.abc import Iterable


def parse(text: str, below: int | None = None) -> list[int]:
    """Return the indexes a text lists, in ascending order; ValueError for no such list, or an index not `below`."""
    found: list[int] = []
    for part in filter(None, text.split(",")):
        first, last = _bounds(part)
        if found and first <= found[-1]:
            raise ValueError(f"non-increasing order, previous: {found[-1]}, current: {first}")
        if below is not None and last >= below:
            raise ValueError(f'too large index: "{last}"')
        found.extend(range(first, last + 1))
    return found


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
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f'cannot convert string to integer for index: "{text}"')
    return int(text)


def text(indexes: Iterable[int]) -> str:
    """Return indexes as text; three and more in a row as an interval."""
    runs: list[list[int]] = []
    for index in sorted(set(indexes)):
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return ",".join(_run(run) for run in runs)


def _run(run: list[int]) -> str:
    if len(run) > 2:
        return f"{run[0]}-{run[-1]}"
    return ",".join(map(str, run))
