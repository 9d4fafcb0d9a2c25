"""Progress on a terminal is a running clock; in a log it is few lines."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from wherry.cli import progress
from wherry.cli.progress import Progress


class Clock:
    """A clock the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress, "time", made)
    return made


def test_a_log_gets_no_line_for_what_lasts_a_moment(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Progress() as show:
        for seconds, message in ((0.0, "one"), (0.2, "two"), (1.1, "[three]"), (0.1, "four")):
            clock.now += seconds
            show(message)
    assert capsys.readouterr().err == "[  0.0 s] one\n[  1.3 s] [three]\n"


def test_the_clock_on_a_terminal_runs_while_nothing_happens(clock: Clock) -> None:
    show = Progress()
    show("waiting for nodes 0/3")
    output = io.StringIO()
    for _ in range(2):
        Console(file=output, width=80).print(show)
        clock.now += 7
    assert output.getvalue() == "[  0.0 s] waiting for nodes 0/3\n[  7.0 s] waiting for nodes 0/3\n"
