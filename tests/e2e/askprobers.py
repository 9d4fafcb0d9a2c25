"""Run on a node: has its pods try whom they reach. A node always reaches its own pods, whatever policies say.

askprobers.py JSON: {"pods": {name: address}, "targets": [[address, port, protocol], …]}; prints {name: [answer, …]}.
"""

from __future__ import annotations

import asyncio
import json
import sys


async def ask(address: str, targets: list[list[object]]) -> list[str]:
    reader, writer = await asyncio.open_connection(address, 9000)
    try:
        writer.write(json.dumps(targets).encode() + b"\n")
        answers: list[str] = json.loads(await reader.read())
        return answers
    finally:
        writer.close()


async def main(pods: dict[str, str], targets: list[list[object]]) -> None:
    answers = await asyncio.gather(*(ask(address, targets) for address in pods.values()))
    print(json.dumps(dict(zip(pods, answers, strict=True))))


asyncio.run(main(**json.loads(sys.argv[1])))
