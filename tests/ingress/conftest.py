"""A directory nginx' workers can reach: pytest's own is closed to other users."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def nginx_dir() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="wherry-test-"))
    yield directory
    shutil.rmtree(directory)
