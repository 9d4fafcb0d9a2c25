"""The tool ipset, as another program of its name stands in for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from wherry.net import ipset


async def test_who_reads_nothing_is_written_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of iptables: uvloop raises where one that has ended is written to."""
    program = tmp_path / "ipset"
    program.write_text("#!/bin/sh\nreadlink /proc/self/fd/0\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert await ipset.save() == "/dev/null\n"
