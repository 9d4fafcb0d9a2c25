"""A Containerfile becomes an image that pods can have, by buildah."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.images.maker import BUSYBOX
from wherry.images.build import Recipe, build
from wherry.images.errors import PullError
from wherry.images.store.store import Store

CONTAINERFILE = """
FROM scratch AS base
COPY busybox /bin/busybox
RUN ["/bin/busybox", "mkdir", "-p", "/www"]

FROM base
ARG WORD=nothing
RUN ["/bin/busybox", "sh", "-c", "echo $WORD > /www/index.html"]
ENTRYPOINT ["/bin/busybox", "httpd", "-f"]
"""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    place = tmp_path / "context"
    place.mkdir()
    (place / "Containerfile").write_text(CONTAINERFILE)
    shutil.copy(BUSYBOX, place / "busybox")
    return place


@pytest.mark.kernel
@pytest.mark.skipif(
    shutil.which("buildah") is None or os.geteuid() != 0 or not BUSYBOX.exists(),
    reason="buildah is not installed, or this is not root: scripts/install test",
)
async def test_a_containerfile_is_built_step_by_step_and_stored(store: Store, context: Path) -> None:
    [named] = await build(store, Recipe(context, "hello:1", arguments=("WORD=built",)))
    assert (named.reference, named.local) == ("docker.io/library/hello:1", True)
    content = store.find(named.reference)
    assert content is not None
    assert content.config.config is not None
    assert content.config.config.entrypoint == ("/bin/busybox", "httpd", "-f")
    [page] = [layer / "www/index.html" for layer in content.layers if (layer / "www/index.html").exists()]
    assert page.read_text() == "built\n"
    assert str(store.root) not in Path("/proc/self/mounts").read_text()


@pytest.mark.kernel
@pytest.mark.skipif(shutil.which("buildah") is None, reason="buildah is not installed: scripts/install test")
async def test_a_step_that_fails_is_no_image(store: Store, context: Path) -> None:
    (context / "Containerfile").write_text("FROM scratch\nCOPY nothing /\n")
    with pytest.raises(PullError, match="its build failed"):
        await build(store, Recipe(context, "hello:1"))
    assert store.names.all() == []


async def test_without_buildah_it_says_what_to_install(
    store: Store, context: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(PullError, match="apt-get install buildah"):
        await build(store, Recipe(context, "hello:1"))
