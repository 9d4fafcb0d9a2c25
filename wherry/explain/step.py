"""What is told of a connection: steps, each of which lets it go on or ends it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


class TraceError(ValueError):
    """What is asked about makes no sense, or is not there; the text says what, and what there is instead."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens. `about` is a word, `text` a sentence, `ends` whether the connection ends here."""

    about: str
    text: str
    details: tuple[str, ...] = ()
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Trace:
    """A whole course: what is between which ends, the steps, and what comes of it (`because` says it in a sentence)."""

    source: str
    target: str
    steps: tuple[Step, ...]
    answered: bool
    because: str

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def _lines(trace: Trace) -> Iterator[str]:
    yield f"from  {trace.source}"
    yield f"to    {trace.target}"
    yield ""
    width = max((len(step.about) for step in trace.steps), default=0)
    for number, step in enumerate(trace.steps, 1):
        yield f"{number:2} {'x' if step.ends else ' '} {step.about:<{width}}  {step.text}"
        for detail in step.details:
            yield f"{'':{width + 7}}{detail}"
    yield ""
    yield f"{'answered' if trace.answered else 'not answered'}: {trace.because}"
