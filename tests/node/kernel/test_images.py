"""Pods of images with files of their own: pulled from a real registry, in the eyes of whoever runs in them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.images.maker import Made, entry, folder, image, layer, push, shell
from tests.images.registry import LOGIN, PROGRAM, Registry, registry
from tests.node.kernel.world import World
from wherry.objects import Object

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(PROGRAM is None, reason="docker-registry is not installed: scripts/install test"),
]

MARK = layer(folder("srv", uid=1234, gid=2345), entry("srv/mark", "of the image\n", uid=1234, gid=2345))
HIDES = layer(entry("etc/.wh.group"), entry("srv/.wh.mark"))
RUNS = {"Entrypoint": ["/bin/sh", "-c"], "Cmd": ["cat /srv/mark; sleep 1000"], "Env": ["FROM_IMAGE=yes"]}


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Registry]:
    """A registry in this test's own network."""
    with registry(tmp_path / "registry") as made:
        yield made


def web(**settings: object) -> Made:
    return image(shell(), MARK, settings={**RUNS, **settings})


def create(node: World, name: str, reference: str, script: str = "", **fields: object) -> None:
    """Create a pod of one container; `fields` are the container's, or the pod's where it has them."""
    one: Object = {"name": "main", "image": reference, **({"args": [script]} if script else {})}
    of_pod = {key: fields.pop(key) for key in ("imagePullSecrets", "restartPolicy") if key in fields}
    node.put(name, [one | fields], **of_pod)


async def test_a_pod_runs_what_its_image_says_and_sees_its_files_alone(node: World, real: Registry):
    made = web(User="app:extra", WorkingDir="/srv")
    push(real.url, "web", "v1", made)
    script = "pwd; id -u; id -g; echo $FROM_IMAGE; ls /; cat mark; sleep 1000"
    create(node, "web", f"{real.host}/web:v1", script)
    lines = await node.printed("web", 12)
    assert lines[:4] == ["/srv", "1234", "3456", "yes"]
    assert set(lines[4:-1]) == {"bin", "dev", "etc", "proc", "srv", "sys", "tmp"}
    assert lines[-1] == "of the image"
    status = (await node.running("web"))["containerStatuses"][0]
    assert status["imageID"] == f"{real.host}/web@{made.digest}"


async def test_it_is_told_what_was_pulled_and_how_long_it_took(node: World, real: Registry):
    push(real.url, "web", "v1", web())
    create(node, "web", f"{real.host}/web:v1")
    await node.running("web")
    name = f'"{real.host}/web:v1"'
    assert node.events("Pulling") == [f"Pulling image {name}"]
    [pulled] = node.events("Pulled")
    assert pulled.startswith(f"Successfully pulled image {name} in ")
    assert pulled.endswith(" bytes.")
    create(node, "again", f"{real.host}/web:v1", imagePullPolicy="IfNotPresent")
    await node.running("again")
    assert f"Container image {name} already present on machine" in node.events("Pulled")


async def test_whiteouts_hide_what_is_below(node: World, real: Registry):
    push(real.url, "hides", "v1", image(shell(), MARK, HIDES, settings=RUNS))
    create(
        node, "hides", f"{real.host}/hides:v1", "ls /srv | wc -l; ls /etc; id -u; sleep 1000", command=["/bin/sh", "-c"]
    )
    lines = await node.printed("hides", 6)
    assert lines[0] == "0"
    assert "passwd" in lines
    assert "group" not in lines


async def test_what_a_container_writes_is_its_own(node: World, real: Registry):
    push(real.url, "web", "v1", web())
    create(node, "writer", f"{real.host}/web:v1", "echo mine > /srv/mark; cat /srv/mark; sleep 1000")
    assert await node.printed("writer", 1) == ["mine"]
    create(node, "reader", f"{real.host}/web:v1")
    assert await node.printed("reader", 1) == ["of the image"]


async def test_a_read_only_root_can_be_written_to_in_the_images_volumes(node: World, real: Registry):
    push(real.url, "web", "v1", web(Volumes={"/srv": {}, "/new": {}}))
    script = "cat /srv/mark; touch /srv/a /new/b && echo written; touch /etc/c 2>/dev/null || echo refused; sleep 1000"
    create(node, "kept", f"{real.host}/web:v1", script, securityContext={"readOnlyRootFilesystem": True})
    assert await node.printed("kept", 3) == ["of the image", "written", "refused"]


async def test_with_policy_never_nothing_is_fetched(node: World, real: Registry):
    push(real.url, "web", "v1", web())
    create(node, "never", f"{real.host}/web:v1", imagePullPolicy="Never")
    await node.until("refused", lambda: node.waiting("never") == "ErrImageNeverPull")
    text = f'Container image "{real.host}/web:v1" is not present with pull policy of Never'
    assert text in node.events("ErrImageNeverPull")
    assert "GET /v2/web" not in real.heard()


async def test_policy_always_follows_a_tag_that_was_pushed_again(node: World, real: Registry):
    first, second = web(), image(shell(), layer(folder("srv"), entry("srv/mark", "second\n")), settings=RUNS)
    push(real.url, "web", "latest", first)
    create(node, "one", f"{real.host}/web", imagePullPolicy="Always")
    await node.running("one")
    push(real.url, "web", "latest", second)
    create(node, "two", f"{real.host}/web", imagePullPolicy="IfNotPresent")
    create(node, "three", f"{real.host}/web", imagePullPolicy="Always")
    assert await node.printed("three", 1) == ["second"]
    assert await node.printed("two", 1) in (["of the image"], ["second"])  # whichever came first
    await node.running("three")
    assert node.container("three")["imageID"].endswith(second.digest)
    assert await node.printed("one", 1) == ["of the image"]


async def test_what_cannot_be_pulled_is_told_with_the_registrys_reason_and_waited_for(node: World, real: Registry):
    create(node, "early", f"{real.host}/late:v1")
    await node.until("backs off", lambda: node.waiting("early") == "ImagePullBackOff")
    [failed, *_] = [text for text in node.events("Failed") if "Error:" not in text]
    assert failed.startswith(f'Failed to pull image "{real.host}/late:v1": ')
    assert "404" in failed
    assert "NAME_UNKNOWN" in failed or "MANIFEST_UNKNOWN" in failed
    assert f'Back-off pulling image "{real.host}/late:v1"' in node.events("BackOff")


async def test_many_pods_of_one_image_fetch_it_once(node: World, real: Registry):
    made = web()
    push(real.url, "web", "v1", made)
    for number in range(6):
        create(node, f"pod-{number}", f"{real.host}/web:v1")
    for number in range(6):
        await node.running(f"pod-{number}")
    heard = real.heard()
    for blob in made.blobs:
        assert heard.count(f"GET /v2/web/blobs/{blob}") == 1


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Registry]:
    with registry(tmp_path / "locked", login=True) as made:
        yield made


def login(host: str) -> Object:
    auth = base64.b64encode(":".join(LOGIN).encode()).decode()
    config = base64.b64encode(json.dumps({"auths": {host: {"auth": auth}}}).encode()).decode()
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "login", "namespace": "demo"},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": config},
    }


async def test_a_private_image_needs_its_secret(node: World, locked: Registry):
    push(locked.url, "private", "v1", web(), LOGIN)
    name = f"{locked.host}/private:v1"
    create(node, "without", name)
    await node.until("refused", lambda: node.waiting("without") in ("ErrImagePull", "ImagePullBackOff"))
    assert any("401: UNAUTHORIZED: authentication required" in text for text in node.events("Failed"))
    node.api.put(login(locked.host))
    create(node, "with", name, imagePullSecrets=[{"name": "login"}])
    assert await node.printed("with", 1) == ["of the image"]
    create(node, "after", name)
    await node.until("refused", lambda: node.waiting("after") in ("ErrImagePull", "ImagePullBackOff"))


async def test_a_secret_that_comes_later_is_used_at_once(node: World, locked: Registry):
    push(locked.url, "private", "v1", web(), LOGIN)
    create(node, "early", f"{locked.host}/private:v1", imagePullSecrets=[{"name": "login"}])
    await node.until("refused", lambda: node.waiting("early") == "ImagePullBackOff")
    assert any("(login)" in text for text in node.events("FailedToRetrieveImagePullSecret"))
    node.api.put(login(locked.host))
    await node.running("early")
