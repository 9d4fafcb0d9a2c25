"""What one wants to see after a failed end-to-end test is printed with it, here too; and an API server in memory."""

from tests.apiserver.conftest import cluster  # noqa: F401 - a fixture
from tests.e2e.conftest import pytest_runtest_makereport  # noqa: F401 - a hook
