"""What the init imports before it forks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import asyncio, sys
from pathlib import Path
import wherry.cluster.components
imported = set(sys.modules)
from tests.apiserver.harness import Cluster
from wherry.client.http import HttpClient

async def answer():
    async with Cluster(Path(sys.argv[1])) as cluster:
        client = HttpClient(cluster.config_of("admin", "system:masters"))
        await client.request("GET", "/readyz")
        await client.close()

asyncio.run(answer())
print(*sorted(name for name in set(sys.modules) - imported if name.startswith("wherry.")))
"""


def test_a_control_plane_that_is_started_again_imports_nothing_before_its_first_answer(tmp_path: Path) -> None:
    top = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, check=True, cwd=top, timeout=60
    )
    assert done.stdout.split() == []
