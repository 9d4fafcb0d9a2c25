from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from wherry.objects import definitions, descriptions, patch, protobuf
from wherry.objects.openapi import documents
from wherry.objects.openapi import protobuf as openapi_protobuf
read = definitions.load.cache_info().currsize + descriptions.load.cache_info().currsize
read += openapi_protobuf._messages.cache_info().currsize
sys.exit(read > 0)
"""


def test_importing_reads_no_data() -> None:
    """Components that need neither start with this package; each such millisecond would be theirs."""
    assert subprocess.run([sys.executable, "-c", PROGRAM], check=False).returncode == 0
