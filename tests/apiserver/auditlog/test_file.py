"""The audit log's file stays within its limits, and what the disk does not take ends nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wherry.apiserver.auditlog.file import Limits, LogFile


def text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def test_a_full_file_is_put_aside_and_only_so_many_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "deep/audit.log"
    file = LogFile(path, Limits(size=10, backups=2))
    for n in range(7):
        file.write(f"line{n}\n".encode() * (1 if n else 2))
    file.close()
    assert [text(path.with_name(name)) for name in ("audit.log", "audit.log.1", "audit.log.2", "audit.log.3")] == [
        "line6\n",
        "line5\n",
        "line4\n",
        "",
    ]
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_there_is_added_to(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_text("old\n")
    file = LogFile(path, Limits(size=9, backups=0))
    file.write(b"new\n")
    assert text(path) == "old\nnew\n"
    file.write(b"newer\n")
    file.close()
    assert text(path) == "newer\n"
    assert list(tmp_path.iterdir()) == [path]


def test_old_ones_are_forgotten(tmp_path: Path) -> None:
    path, now = tmp_path / "audit.log", [1000.0]
    file = LogFile(path, Limits(size=1, backups=5, age=60.0), clock=lambda: now[0])
    for n in range(3):
        file.write(f"{n}\n".encode())
        for one in tmp_path.iterdir():
            os.utime(one, (900.0 + n, 900.0 + n)) if one.name == "audit.log" else None
        now[0] = 960.5
    file.write(b"3\n")
    file.close()
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {
        "audit.log": "3\n",
        "audit.log.1": "2\n",
        "audit.log.2": "1\n",
    }


def test_a_full_disk_takes_no_half_lines_and_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path, write = tmp_path / "audit.log", os.write
    file = LogFile(path, Limits())
    file.write(b"first\n")
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:3]))
    file.write(b"second\n")
    file.write(b"third\n")
    monkeypatch.setattr(os, "write", write)
    file.write(b"fourth\n")
    file.close()
    assert text(path) == "first\nfourth\n"
    assert [r.message for r in caplog.records] == [f"the audit log cannot be written: {path}: no space left on device"]
