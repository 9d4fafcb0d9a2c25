"""Images from a real registry on the machine's loopback, in a whole cluster, through real kubectl."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Cluster, cluster, eventually

from tests.images.maker import Made, docker_save, entry, folder, image, layer, push, shell
from tests.images.registry import LOGIN, PROGRAM, Registry, registry

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(PROGRAM is None, reason="docker-registry is not installed: scripts/install test"),
]

BIND = "127.0.0.84"
MIRRORED = "192.168.51.209:5000"
"""The article's registry."""


def web(text: str) -> Made:
    """Return an image of a small static program, which serves a page."""
    page = layer(folder("www"), entry("www/index.html", text))
    return image(shell(), page, settings={"Cmd": ["httpd", "-f", "-p", "80", "-h", "/www"], "Env": ["PATH=/bin"]})


@pytest.fixture(scope="module")
def open_to_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry(tmp_path_factory.mktemp("open"), BIND) as made:
        yield made


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry(tmp_path_factory.mktemp("locked"), BIND, login=True) as made:
        yield made


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory, open_to_all: Registry) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("images")
    registries = home / "registries.yaml"
    registries.write_text(f"mirrors: {{'{MIRRORED}': {{endpoint: ['{open_to_all.url}']}}}}\n")
    options = ("--nodes", "2", "--addons", "none", "--registries", str(registries))
    with cluster("images", BIND, home, *options) as made:
        yield made


def field(k8s: Cluster, pod: str, path: str) -> str:
    return k8s.kubectl(f"get pod {pod} -o jsonpath={{.status.{path}}}")


def ready(k8s: Cluster, pod: str) -> None:
    k8s.kubectl(f"wait --for=condition=Ready pod/{pod} --timeout=60s")


def serves(k8s: Cluster, pod: str, page: str) -> None:
    """Wait until the pod's server has its page for the node: it is Ready as soon as it runs."""
    url = field(k8s, pod, "podIP")
    eventually(f"the page of {pod}", lambda: k8s.on("k8s-master", "curl", "-s", "-m5", url) == page)


def told(k8s: Cluster, pod: str, *texts: str) -> None:
    events = f"get events --field-selector involvedObject.name={pod}"
    eventually(f"the events of {pod}", lambda: all(text in k8s.kubectl(events) for text in texts))


def test_what_was_pushed_to_a_registry_on_this_machine_runs(k8s: Cluster, open_to_all: Registry) -> None:
    made = web("from a registry\n")
    push(open_to_all.url, "web", "v1", made)
    k8s.kubectl(f"run web --image={open_to_all.host}/web:v1 --port=80")
    ready(k8s, "web")
    serves(k8s, "web", "from a registry\n")
    assert field(k8s, "web", "containerStatuses[0].imageID") == f"{open_to_all.host}/web@{made.digest}"
    told(k8s, "web", "Pulling image", "Successfully pulled image")


def test_it_sees_the_images_files_and_nothing_of_the_machine(k8s: Cluster) -> None:
    assert k8s.kubectl("exec web -- ls /").split() == ["bin", "dev", "etc", "proc", "sys", "tmp", "var", "www"]


def test_the_articles_registry_is_a_mirror_away(k8s: Cluster, open_to_all: Registry) -> None:
    push(open_to_all.url, "myblog", "latest", web("a blog\n"))
    k8s.kubectl(f"run myblog --image={MIRRORED}/myblog")
    ready(k8s, "myblog")
    assert field(k8s, "myblog", "containerStatuses[0].imageID").startswith(f"{MIRRORED}/myblog@sha256:")


def test_a_private_image_needs_its_secret(k8s: Cluster, locked: Registry) -> None:
    push(locked.url, "private", "v1", web("secret\n"), LOGIN)
    k8s.kubectl(f"run stranger --image={locked.host}/private:v1")

    told(k8s, "stranger", "401: UNAUTHORIZED: authentication required")
    user, password = LOGIN
    k8s.kubectl(
        f"create secret docker-registry login --docker-server={locked.host} "
        f"--docker-username={user} --docker-password={password}"
    )
    k8s.kubectl("create serviceaccount puller")
    k8s.run(k8s.kubectl_path, "patch", "serviceaccount", "puller", "-p", '{"imagePullSecrets": [{"name": "login"}]}')
    overrides = '{"spec":{"serviceAccountName":"puller"}}'
    k8s.kubectl(f"run friend --image={locked.host}/private:v1 --overrides={overrides}")
    ready(k8s, "friend")


def test_what_this_machine_plays_needs_no_registry(k8s: Cluster) -> None:
    k8s.kubectl("run played --image=busybox --command -- sleep 1000")
    ready(k8s, "played")
    told(k8s, "played", "already present")


@pytest.mark.parametrize("policy", ["Never", "IfNotPresent", "Always"])
def test_what_was_loaded_from_a_file_runs_by_every_policy(k8s: Cluster, tmp_path: Path, policy: str) -> None:
    """No registry has it, and none is asked: a pod sees what was loaded last."""
    pod = f"loaded-{policy.lower()}"
    page = layer(folder("www"), entry("www/index.html", f"{policy}\n"))
    settings = {"Cmd": ["httpd", "-f", "-p", "80", "-h", "/www"], "Env": ["PATH=/bin"]}
    archive = docker_save(tmp_path / "saved.tar", [shell(), page], ["registry.invalid/mine:v1"], settings)
    k8s.wherry("image", "load", "--name", k8s.name, str(archive))
    assert "registry.invalid/mine:v1" in k8s.wherry("image", "ls", "--name", k8s.name)
    k8s.kubectl(f"run {pod} --image=registry.invalid/mine:v1 --image-pull-policy={policy}")
    ready(k8s, pod)
    serves(k8s, pod, f"{policy}\n")


def test_what_was_fetched_before_a_pod_asks_is_there_and_goes_when_it_is_removed(
    k8s: Cluster, open_to_all: Registry
) -> None:
    name = f"{open_to_all.host}/before:v1"
    push(open_to_all.url, "before", "v1", web("fetched before\n"))
    k8s.wherry("image", "pull", "--name", k8s.name, name)
    k8s.kubectl(f"run before --image={name} --image-pull-policy=Never")
    ready(k8s, "before")
    k8s.wherry("image", "rm", "--name", k8s.name, name)
    assert name not in k8s.wherry("image", "ls", "--name", k8s.name)
    assert k8s.kubectl("exec before -- cat /www/index.html") == "fetched before\n"
    k8s.kubectl(f"run after --image={name} --image-pull-policy=Never")
    eventually("what is not here", lambda: "ErrImageNeverPull" in k8s.kubectl("get pod after"))
