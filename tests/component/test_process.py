"""A component's process, as one."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc

from wherry.component import process

looks = []
gc.callbacks.append(lambda phase, told: looks.append(told) if phase == "start" and told["generation"] == 2 else None)


async def main():
    kept = [{"metadata": {"name": str(n), "labels": {}}} for n in range(200_000)]
    print(len(kept), len(looks))


process.run(main())
"""


def test_a_component_that_reads_many_objects_does_not_stop_to_look_through_them() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["200000", "0"]
