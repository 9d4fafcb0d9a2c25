"""The ipvs mode with real packets, in user-mode Linux: this machine's kernel need not have IPVS."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.proxy.driver import HERE
from tests.proxy.uml import PROGRAM, inside
from wherry.objects.family import Family

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(shutil.which(PROGRAM) is None, reason="no user-mode Linux (Debian package user-mode-linux)"),
]


@pytest.mark.parametrize("family", Family)
def test_packets_go_as_in_the_other_modes(tmp_path: Path, family: Family) -> None:
    """All of test_paths_kernel.py."""
    pytest_here = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", family.value]
    tests = str(Path(__file__).with_name("test_paths_kernel.py"))
    status, output = inside([*pytest_here, tests], tmp_path, {HERE: "ipvs"})
    assert status == 0, output[-20000:]
