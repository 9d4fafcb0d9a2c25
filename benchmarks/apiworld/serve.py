"""Our API server alone, as a process: `python -m benchmarks.apiworld.serve FOLDER`; its address is the file `url`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.apiserver.harness import Cluster
from wherry.component import process


async def serve(folder: Path) -> None:
    """Serve what is stored durably in `folder` until told to end."""
    async with Cluster(folder, storage=folder / "state.db") as cluster:
        (folder / "url").write_text(cluster.url)
        await asyncio.Event().wait()


if __name__ == "__main__":
    process.run(serve(Path(sys.argv[1])))
