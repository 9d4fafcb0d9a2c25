"""nftables transactions: a printable value, applied whole or not at all by one `nft -f -` (nft(8)).

One change takes about 16 ms, of which the fork of `nft` is 2: the rest is the kernel (benchmarks/proxy.py). libnftables
through ctypes would save the fork only, so the plain way stays.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
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
    last `dropped_chains` go, which nothing may jump to by then, and `dropped_maps`, which no rule may use.
    """

    table: str
    prepare: tuple[str, ...] = ()
    chains: Mapping[str, Sequence[str]] = field(default_factory=dict)
    deleted: Mapping[str, Sequence[str]] = field(default_factory=dict)
    added: Mapping[str, Elements] = field(default_factory=dict)
    dropped_chains: Sequence[str] = ()
    dropped_maps: Sequence[str] = ()

    def __bool__(self) -> bool:
        dropped = self.dropped_chains or self.dropped_maps
        return bool(self.prepare or self.chains or self.deleted or self.added or dropped)

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
    """`Nft` by the command `nft`, in the network namespace of the calling thread."""

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

    async def _nft(self, *args: str, script: str = "") -> str:
        # A file, since asyncio's pipes are sockets, from which nft 1.0.9 (Ubuntu 24.04) reads nothing.
        with os.fdopen(os.memfd_create("nft"), "w+b") as stdin:
            stdin.write(script.encode())
            stdin.seek(0)
            try:
                process = await asyncio.create_subprocess_exec(
                    "nft", *args, stdin=stdin, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
                )
            except FileNotFoundError as error:
                raise NftError("nft is not installed (Debian package nftables)") from error
        output, problem = await process.communicate()
        if process.returncode:
            raise NftError(_brief(problem.decode(errors="replace")) or f"nft ended with status {process.returncode}")
        return output.decode()


def _brief(text: str) -> str:
    """Return nft's complaint without the endless source line it quotes."""
    lines = [line for line in text.splitlines() if not set(line) <= {" ", "^", "~", "\t"}]
    return "\n".join(line[:300] for line in lines[:6])
