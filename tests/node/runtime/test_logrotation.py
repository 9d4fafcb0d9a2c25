"""Logs that grow."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wherry.node.runtime.logrotation import FILES, GrowingLog, remove, rotate

NOW = datetime(2026, 1, 2, 3, 4, 5, 123456, UTC)


@pytest.fixture
def growing(tmp_path: Path) -> GrowingLog:
    """A log of ten bytes whose conmon nobody plays yet."""
    os.mkfifo(tmp_path / "ctl")
    log = tmp_path / "logs" / "0.log"
    log.parent.mkdir()
    log.write_text("0123456789")
    return GrowingLog(log, tmp_path)


def names(log: Path) -> list[str]:
    return sorted(file.name for file in log.parent.iterdir())


def test_a_full_log_is_put_aside_and_conmon_asked_to_begin_another(growing: GrowingLog):
    conmon = os.open(growing.bundle / "ctl", os.O_RDONLY | os.O_NONBLOCK)
    rotate(growing, NOW, full=10)
    assert os.read(conmon, 100) == b"2 0 0\n"
    os.close(conmon)
    assert names(growing.path) == ["0.log.20260102-030405.123456"]


def test_a_log_with_room_is_left_alone(growing: GrowingLog):
    rotate(growing, NOW, full=11)
    assert names(growing.path) == ["0.log"]


def test_a_log_whose_conmon_is_gone_stays_where_it_is(growing: GrowingLog):
    with pytest.raises(OSError, match="No such device"):
        rotate(growing, NOW, full=1)
    assert names(growing.path) == ["0.log"]


def test_only_the_last_files_are_kept_and_other_runs_are_not_touched(growing: GrowingLog):
    growing.path.with_name("10.log").touch()
    conmon = os.open(growing.bundle / "ctl", os.O_RDONLY | os.O_NONBLOCK)
    for i in range(8):
        growing.path.write_text("0123456789")
        rotate(growing, NOW + timedelta(seconds=10 * i), full=10)
    os.close(conmon)
    assert len(names(growing.path)) == FILES - 1 + 1
    assert "0.log.20260102-030515.123456" in names(growing.path)
    remove(growing.path)
    assert names(growing.path) == ["10.log"]
