"""Shared by all tests: where the harness is, and steps that build on one another."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The gate asks the same questions every time: what it says depends on the change alone. `scripts/fuzz` asks new ones.
# Machines that run these are shared, so that time is no measure of what is tested.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("gate", settings.get_profile("patient"), derandomize=True)
settings.register_profile("fuzz", settings.get_profile("patient"), print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))

# No test sends a packet to anybody: a cluster of theirs has a way out only where the test makes the world as well.
os.environ["WHERRY_EGRESS"] = "none"

pytest_plugins = ["tests.sandboxed"]

sys.path.insert(0, str(Path(__file__).parent))

_failed: dict[type, str] = {}


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Remember the first step of a walk-through that failed."""
    cls = getattr(item, "cls", None)
    if cls is not None and item.get_closest_marker("steps") and call.excinfo is not None:
        _failed.setdefault(cls, item.name)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A step after a failed one cannot pass: say so by failing, not by running into the dark."""
    cls = getattr(item, "cls", None)
    if cls in _failed:
        pytest.fail(f"an earlier step failed: {_failed[cls]}", pytrace=False)
