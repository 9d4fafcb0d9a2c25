"""nftables transactions: a printable value, applied whole or not at all by one `nft -f -` (nft(8)).

For structure and whole tables. An `nft` reads the ruleset of the whole machine first, and ends no sooner than the
kernel has let go of what was deleted; what changes all the time goes by netlink (`nfnetlink`).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Elements = Mapping[str, str | None]
"""Elements of a set (data None) or a map: key -> data, both as nft writes them."""

BATCH = 5000  # elements per command: nft parses one line at a time, so this bounds its memory


class NftError(Exception):
    """nft refused: nothing of the transaction was applied. Its text says what and where."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """Changes of one table, applied together in this order.

    `table` is "family name". `prepare` holds whole nft commands that come first. `chains` are made, or emptied where
    they exist, and given their rules. Then elements are deleted and added (one that changes its data is in both), and
    last `dropped_chains` go, which nothing may jump to by then, `dropped_maps` and `dropped_sets`, which no rule uses.
    """

    table: str
    prepare: tuple[str, ...] = ()
    chains: Mapping[str, Sequence[str]] = field(default_factory=dict)
    deleted: Mapping[str, Sequence[str]] = field(default_factory=dict)
    added: Mapping[str, Elements] = field(default_factory=dict)
    dropped_chains: Sequence[str] = ()
    dropped_maps: Sequence[str] = ()
    dropped_sets: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.deleted or self.added) or not self.is_of_elements

    @property
    def is_of_elements(self) -> bool:
        """Whether nothing but elements changes."""
        return not (self.prepare or self.chains or self.dropped_chains or self.dropped_maps or self.dropped_sets)

    def __str__(self) -> str:
        return "".join(f"{command}\n" for command in self.commands())

    def commands(self) -> Iterator[str]:
        """Yield the nft commands."""
        yield from self.prepare
        for chain, rules in self.chains.items():
            yield f"add chain {self.table} {chain}"
            yield f"flush chain {self.table} {chain}"
            for rule in rules:
                yield f"add rule {self.table} {chain} {rule}"
        for name, keys in self.deleted.items():
            yield from self._elements("delete", name, keys)
        for name, elements in self.added.items():
            texts = [key if data is None else f"{key} : {data}" for key, data in elements.items()]
            yield from self._elements("add", name, texts)
        for chain in self.dropped_chains:
            yield f"flush chain {self.table} {chain}"
            yield f"delete chain {self.table} {chain}"
        for name in self.dropped_maps:
            yield f"delete map {self.table} {name}"
        for name in self.dropped_sets:
            yield f"delete set {self.table} {name}"

    def _elements(self, verb: str, name: str, texts: Sequence[str]) -> Iterator[str]:
        for start in range(0, len(texts), BATCH):
            yield f"{verb} element {self.table} {name} {{ {', '.join(texts[start : start + BATCH])} }}"


class Nft(Protocol):
    """One network namespace's nftables."""

    async def run(self, script: str) -> None:
        """Apply a script of nft commands atomically; raises `NftError`, and then nothing has changed."""
        ...

    async def list_table(self, table: str) -> str | None:
        """Return a table's structure as nft prints it, without the elements of its sets; None if there is none."""
        ...

    async def list_map(self, table: str, name: str) -> list[Any]:
        """Return the elements of a map as nft's JSON has them (libnftables-json(5)); raises `NftError`."""
        ...


class NftCommand:
    """`Nft` by the command `nft`, in the network namespace of the calling thread.

    `pids` has the last processes: the kernel names their netlink sockets so (netlink(7), nl_pid).
    """

    def __init__(self) -> None:
        self.pids: deque[int] = deque(maxlen=16)

    async def run(self, script: str) -> None:
        """Apply a script atomically."""
        await self._nft("-f", "-", script=script)

    async def list_table(self, table: str) -> str | None:
        """Return a table's structure, or None. Without `nft list tables`, for which nft 1.0.6 reads every element."""
        try:
            return await self._nft("-t", "list", "table", *table.split())
        except NftError as error:
            if os.strerror(errno.ENOENT) in str(error):
                return None
            raise

    async def list_map(self, table: str, name: str) -> list[Any]:
        """Return a map's elements."""
        listed = json.loads(await self._nft("-j", "list", "map", *table.split(), name))
        return [e for item in listed["nftables"] for e in item.get("map", {}).get("elem", ())]

    async def list_json(self, table: str) -> dict[str, Any]:
        """Return all of a table, as libnftables-json(5) has it."""
        listed: dict[str, Any] = json.loads(await self._nft("-j", "list", "table", *table.split()))
        return listed

    async def _nft(self, *args: str, script: str = "") -> str:
        # A pipe that is written once the process is known: from sockets, as asyncio's are, nft 1.0.9 (Ubuntu 24.04)
        # reads nothing, and what it changes is to be known as ours.
        reader, writer = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                "nft", *args, stdin=reader, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
            )
        except BaseException as error:
            os.close(writer)
            if isinstance(error, FileNotFoundError):
                raise NftError("nft is not installed (Debian package nftables)") from error
            raise
        finally:
            os.close(reader)
        self.pids.append(process.pid)
        at_work = asyncio.gather(process.communicate(), asyncio.to_thread(_write, writer, script))
        try:
            (output, problem), _ = await asyncio.shield(at_work)
        except asyncio.CancelledError:
            await at_work  # else it would change the kernel behind whoever comes next
            raise
        if process.returncode:
            raise NftError(_brief(problem.decode(errors="replace")) or f"nft ended with status {process.returncode}")
        return output.decode()


def _write(writer: int, script: str) -> None:
    with contextlib.suppress(BrokenPipeError), open(writer, "w") as stdin:
        stdin.write(script)


def _brief(text: str) -> str:
    """Return nft's complaint without the endless source line it quotes."""
    lines = [line for line in text.splitlines() if not set(line) <= {" ", "^", "~", "\t"}]
    return "\n".join(line[:300] for line in lines[:6])
