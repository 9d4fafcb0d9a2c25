"""A store of a test's own, and a real registry for a module."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tests.images.registry import PROGRAM, Registry, registry
from wherry.images.credentials import Keyring
from wherry.images.pull import Puller
from wherry.images.reference import parse
from wherry.images.registries import Registries
from wherry.images.registry.network import Vantage
from wherry.images.store.store import Content, Store

Pull = Callable[..., Awaitable[Content]]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that lets everybody in."""
    if PROGRAM is None:
        pytest.skip("docker-registry is not installed: scripts/install test")
    with registry(tmp_path_factory.mktemp("registry")) as made:
        yield made


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that asks for a password."""
    if PROGRAM is None:
        pytest.skip("docker-registry is not installed: scripts/install test")
    with registry(tmp_path_factory.mktemp("locked"), login=True) as made:
        yield made


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "images")


@pytest.fixture
async def pull(store: Store) -> AsyncIterator[Pull]:
    """Pull an image by its name into the store."""
    async with Vantage().session() as session:

        async def act(name: str, *keyrings: Keyring, registries: Registries = Registries()) -> Content:  # noqa: B008
            puller = Puller(store, registries, session, Keyring)
            return await puller.pull(parse(name), keyrings)

        yield act
