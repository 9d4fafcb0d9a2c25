"""What one wants to see after a failed end-to-end test is printed with it, here too."""

from tests.e2e.conftest import pytest_runtest_makereport  # noqa: F401 - a hook
