"""Images are fetched from a real registry: what is not here, once, and only what they say they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.images.conftest import Pull
from tests.images.maker import digest, entry, folder, image, index, layer, push
from tests.images.registry import LOGIN, Registry, registry
from wherry.images import trees
from wherry.images.credentials import Credential, Keyring
from wherry.images.errors import ContentError, PullError
from wherry.images.manifest import here
from wherry.images.registries import Mirror, Registries
from wherry.images.store.store import Store

pytestmark = pytest.mark.kernel

HELLO = layer(folder("srv"), entry("srv/hello", "hello\n"))
OTHER = layer(folder("srv"), entry("srv/other", "other\n"))


@pytest.mark.parametrize("packed", ["", "gzip", "zstd"])
async def test_a_layer_is_unpacked_however_it_is_packed(pull: Pull, real: Registry, packed: str) -> None:
    made = image(HELLO, packed=packed, settings={"Cmd": ["/hello"]})
    push(real.url, "packed", f"v{packed}", made)
    content = await pull(f"{real.host}/packed:v{packed}")
    assert (content.layers[0] / "srv/hello").read_text() == "hello\n"
    assert content.config.config is not None
    assert content.config.config.cmd == ("/hello",)


async def test_it_is_had_by_its_digest_too(pull: Pull, real: Registry) -> None:
    made = image(HELLO)
    push(real.url, "by-digest", "v1", made)
    content = await pull(f"{real.host}/by-digest:ignored@{made.digest}")
    assert content.named.reference == f"{real.host}/by-digest@{made.digest}"
    assert (await pull(f"{real.host}/by-digest:v1")).named.digest == made.digest


async def test_of_an_index_the_image_for_this_machine_is_taken(pull: Pull, real: Registry) -> None:
    platform = {"architecture": here().architecture, "os": "linux"}
    ours, theirs = image(HELLO), image(OTHER)
    both = index([(theirs, {"architecture": "s390z", "os": "linux"}), (ours, platform)])
    push(real.url, "both", "v1", both)
    content = await pull(f"{real.host}/both:v1")
    assert (content.named.digest, content.named.manifest) == (both.digest, ours.digest)
    push(real.url, "foreign", "v1", index([(theirs, {"architecture": "s390z", "os": "linux"})]))
    with pytest.raises(PullError, match=r"no match for platform linux/\w+\S* in manifest: it is for linux/s390z"):
        await pull(f"{real.host}/foreign:v1")


async def test_a_layer_that_is_here_is_not_fetched_again(pull: Pull, real: Registry) -> None:
    push(real.url, "one", "v1", image(HELLO))
    push(real.url, "two", "v1", image(HELLO, OTHER))
    one = await pull(f"{real.host}/one:v1")
    two = await pull(f"{real.host}/two:v1")
    assert two.layers[1] == one.layers[0]
    shared = image(HELLO).config  # the configurations differ, the layer does not
    blob = next(name for name in image(HELLO).blobs if name != shared["digest"])
    heard = real.heard()
    assert f"GET /v2/one/blobs/{blob}" in heard
    assert f"GET /v2/two/blobs/{blob}" not in heard


async def test_of_what_has_not_changed_no_more_than_the_digest_is_asked_for(pull: Pull, real: Registry) -> None:
    push(real.url, "still", "v1", image(HELLO))
    await pull(f"{real.host}/still:v1")
    before = real.heard().count("GET /v2/still/")
    await pull(f"{real.host}/still:v1")
    heard = real.heard()
    assert heard.count("GET /v2/still/") == before
    assert "HEAD /v2/still/manifests/v1" in heard


async def test_a_tag_that_has_moved_is_followed(pull: Pull, real: Registry, store: Store) -> None:
    first, second = image(HELLO), image(OTHER)
    push(real.url, "moving", "v1", first)
    await pull(f"{real.host}/moving:v1")
    push(real.url, "moving", "v1", second)
    assert (await pull(f"{real.host}/moving:v1")).named.digest == second.digest
    assert store.find(f"{real.host}/moving@{first.digest}") is not None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("{host}/one:nowhere", "404: MANIFEST_UNKNOWN: manifest unknown"),
        ("{host}/nowhere", "404: NAME_UNKNOWN: repository name not known to registry|404: MANIFEST_UNKNOWN"),
        ("127.0.0.1:1/x", "connect: connection refused"),
    ],
)
async def test_what_cannot_be_had_is_told_in_the_registrys_words(
    pull: Pull, real: Registry, name: str, why: str
) -> None:
    push(real.url, "one", "v1", image(HELLO))
    with pytest.raises(PullError, match=why):
        await pull(name.format(host=real.host))


async def test_a_private_image_is_for_who_has_the_password(pull: Pull, locked: Registry) -> None:
    push(locked.url, "private", "v1", image(HELLO), LOGIN)
    name = f"{locked.host}/private:v1"
    with pytest.raises(PullError, match="401: UNAUTHORIZED: authentication required"):
        await pull(name)
    right, wrong = Credential(*LOGIN), Credential("someone", "else")
    with pytest.raises(PullError, match="401"):
        await pull(name, Keyring([(locked.host, wrong)]))
    content = await pull(name, Keyring([(locked.host, wrong), (locked.host, right)]))
    assert content.named.access == (right.mark,)
    elsewhere = Keyring([("registry.example.com", right)])
    with pytest.raises(PullError, match="401"):
        await pull(name, elsewhere)


async def test_a_mirror_is_asked_first_and_the_registry_itself_last(pull: Pull, real: Registry) -> None:
    push(real.url, "mirrored/web", "v1", image(HELLO))
    gone, there = "http://127.0.0.1:1", real.url
    registries = Registries({"192.168.51.209:5000": Mirror((gone, there), {"^(web)$": "mirrored/$1"})})
    content = await pull("192.168.51.209:5000/web:v1", registries=registries)
    assert content.named.reference == "192.168.51.209:5000/web:v1"
    itself = Registries({real.host: Mirror((gone,))})
    assert (await pull(f"{real.host}/mirrored/web:v1", registries=itself)).named.digest == content.named.digest


async def test_a_damaged_layer_is_refused_and_the_whole_one_taken_later(
    pull: Pull, real: Registry, store: Store
) -> None:
    made = image(layer(entry("damaged", os.urandom(4000))))
    push(real.url, "damaged", "v1", made)
    blob = next(name for name in made.blobs if name != made.config["digest"])
    file = real.blob(blob)
    whole = file.read_bytes()
    file.write_bytes(whole[:2000] + bytes([whole[2000] ^ 1]) + whole[2001:])
    with pytest.raises(ContentError, match="is damaged: it is sha256:"):
        await pull(f"{real.host}/damaged:v1")
    assert not store.has(blob)
    file.write_bytes(whole)
    assert (await pull(f"{real.host}/damaged:v1")).layers[0].joinpath("damaged").exists()


async def test_a_layer_that_unpacks_to_something_else_is_refused(pull: Pull, real: Registry, store: Store) -> None:
    lying = image(HELLO, rootfs={"type": "layers", "diff_ids": [digest(OTHER)]})
    push(real.url, "lying", "v1", lying)
    with pytest.raises(ContentError, match=f"it unpacks to {digest(HELLO)}, and should to {digest(OTHER)}"):
        await pull(f"{real.host}/lying:v1")
    assert not list((store.root / "scratch").iterdir())


async def test_what_a_registry_that_died_has_sent_is_not_asked_for_again(
    tmp_path: Path, pull: Pull, store: Store
) -> None:
    made = image(layer(entry("large", os.urandom(3 << 20))), packed="")
    with registry(tmp_path / "mortal") as mortal:
        push(mortal.url, "large", "v1", made)
        host, port = mortal.host.split(":")
    blob = next(name for name in made.blobs if name != made.config["digest"])
    with pytest.raises(PullError, match="connection refused"):
        await pull(f"{mortal.host}/large:v1")
    store.partial(blob).write_bytes(made.blobs[blob][: 2 << 20])
    with registry(tmp_path / "mortal", host, int(port)) as again:
        await pull(f"{again.host}/large:v1")
        assert f'GET /v2/large/blobs/{blob} HTTP/1.1" 206' in again.log


async def test_a_layer_as_deep_as_names_can_be_is_replaced_and_removed_again(
    pull: Pull, store: Store, real: Registry
) -> None:
    """Whoever makes a layer says how deep it is; what removes it calls itself for no level."""
    deep = folder("/".join("a" * 1900))
    replaced = layer(folder("a"), deep, folder("b"), entry("b/c"), entry("a", "a file now\n"))
    push(real.url, "deep", "v1", image(replaced))
    push(real.url, "deep", "v2", image(layer(deep)))
    try:
        content = await pull(f"{real.host}/deep:v1")
        assert (content.layers[0] / "a").read_text() == "a file now\n"
        made = await pull(f"{real.host}/deep:v2")
        assert (made.layers[0] / "a/a").is_dir()
        for named in store.names.all():  # by its digest as well
            store.names.drop(named.reference)
        await store.sweep()
        assert not made.layers[0].exists()
        assert list((store.root / "scratch").iterdir()) == []
    finally:
        trees.discard(store.root)  # what removes the test's folder could not
