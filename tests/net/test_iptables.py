"""The iptables programs, as other programs of their name stand in for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from wherry.net.iptables import Iptables
from wherry.objects.family import Family


async def test_who_reads_nothing_is_written_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A save may have ended before its input is written to: uvloop raised then, and the proxy loaded its rules anew."""
    program = tmp_path / "iptables-save"
    program.write_text("#!/bin/sh\nreadlink /proc/self/fd/0\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert await Iptables(Family.V4).save() == "/dev/null\n"
