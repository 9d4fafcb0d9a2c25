"""What one wants to see after a failed end-to-end test is printed with it."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from harness import Cluster


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the cluster's pods, events and logs to the report of a failure."""
    report = yield
    k8s = getattr(item, "funcargs", {}).get("k8s")
    if report.when == "call" and report.failed and isinstance(k8s, Cluster):
        report.sections.append(("the cluster", k8s.diagnose()))
    return report
