"""What is told of a run that has ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.node.build import NOW, container, pod, run
from wherry.node.pods.act import exits
from wherry.node.pods.act.prepare import TERMINATION_LOG
from wherry.node.pods.status import exits as told
from wherry.node.runtime.conmon import Exit

FALLBACK = container(terminationMessagePolicy="FallbackToLogsOnError")


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (Exit(0, NOW), "Completed"),
        (Exit(1, NOW), "Error"),
        (Exit(137, NOW, out_of_memory=True), "OOMKilled"),
        (Exit(137, NOW, lost=True), "ContainerStatusUnknown"),
    ],
)
def test_the_reason_follows_from_the_end(end: Exit, reason: str):
    assert told.reason(end) == reason


def test_a_run_does_not_end_before_it_began():
    assert told.changes(pod(), Exit(0, 1.0), run(), None, "")["finished_at"] == run().started_at


def test_the_message_is_what_the_container_wrote(tmp_path: Path):
    (tmp_path / TERMINATION_LOG).write_text("because")
    assert exits.message(container(), 1, tmp_path, tmp_path / "none.log") == "because"


def test_the_log_stands_in_where_the_policy_says_so(tmp_path: Path):
    log = tmp_path / "0.log"
    log.write_text("2027-01-15T08:00:00.0+00:00 stdout F one\n2027-01-15T08:00:00.1+00:00 stderr F two words\n")
    assert exits.message(FALLBACK, 1, tmp_path, log) == "one\ntwo words"
    assert exits.message(FALLBACK, 0, tmp_path, log) == ""
    assert exits.message(container(), 1, tmp_path, log) == ""


def test_the_log_that_stands_in_is_cut_to_its_last_eighty_lines(tmp_path: Path):
    log = tmp_path / "0.log"
    log.write_text("".join(f"2027-01-15T08:00:00.0+00:00 stdout F {i}\n" for i in range(200)))
    lines = exits.message(FALLBACK, 1, tmp_path, log).splitlines()
    assert (len(lines), lines[-1]) == (80, "199")
