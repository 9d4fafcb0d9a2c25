"""A default pod runs this machine's programs and sees none of its secrets."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.node.kernel.world import World

pytestmark = pytest.mark.kernel

CLOSED = ("/root", "/home", "/srv", "/tmp", "/run", "/mnt", "/media", "/var/lib", "/var/log", "/var/tmp", "/var/cache")
SECRETS = ("/etc/shadow", "/etc/gshadow", "/etc/shadow-", "/etc/ssl/private", "/etc/sudoers", "/boot", "/work")


@pytest.fixture
def marks() -> Iterator[dict[str, Path]]:
    """Files of the machine that only root reads, in places of every kind, and one more that is made meanwhile."""
    name = f"wherry-attack-{uuid4().hex}"
    made = {top: Path(top, name) for top in (*CLOSED, "/etc", "/opt", "/usr", "/usr/share", "/etc/ssl", "/var")}
    try:
        for path in made.values():
            path.write_text("SECRET\n")
            path.chmod(0o600)
        yield made
    finally:
        for path in made.values():
            path.unlink(missing_ok=True)


async def run(node: World, name: str, script: str, context: dict[str, object] | None = None) -> list[str]:
    one = {"securityContext": context} if context else {}
    node.create(name, script, one, restartPolicy="Never")
    await node.until("ended", lambda: node.status(name).get("phase") in ("Succeeded", "Failed"))
    return node.log(name).splitlines()


@pytest.mark.parametrize("privileged", [False, True])
async def test_no_secret_of_the_machine_can_be_read_by_a_pods_root(
    marks: dict[str, Path], node: World, privileged: bool
):
    late = Path("/usr/share", f"wherry-attack-{uuid4().hex}")
    await node.until("the node", lambda: (node.config.run_dir / "view" / "etc" / "passwd").exists())
    late.touch(mode=0o600)
    late.write_text("SECRET\n")
    files = " ".join(str(path) for path in (*marks.values(), late))
    script = (
        f"cat {files} 2>/dev/null; for f in {' '.join(SECRETS)}; do test -e $f && echo there: $f; done;"
        f"find {' '.join(CLOSED)} -xdev -type f 2>/dev/null; echo done"
    )
    try:
        assert await run(node, "reader", script, {"privileged": privileged}) == ["done"]
    finally:
        late.unlink()


async def test_nothing_in_a_pods_root_is_closed_to_somebody_on_the_machine(node: World):
    """Every file a container's root can open is one that nobody can open outside."""
    script = (
        "find / -xdev -type f ! -perm -004 2>/dev/null | head; find /etc /opt -type f ! -perm -004 | head; echo done"
    )
    assert await run(node, "finder", script) == ["done"]


async def test_no_data_of_any_cluster_is_in_it(node: World):
    keys = node.config.state_dir.parent / "ca.key"
    keys.write_text("SECRET")
    other = Path.home() / ".local/share" / f"wherry-attack-{uuid4().hex}"
    other.mkdir(parents=True)
    (other / "ca.key").write_text("SECRET")
    paths = [keys, other / "ca.key", node.config.state_dir, node.config.run_dir, Path.home() / ".kube"]
    script = f"ls -d {' '.join(map(str, paths))} 2>/dev/null; echo done"
    try:
        assert await run(node, "cluster", script) == ["done"]
    finally:
        (other / "ca.key").unlink()
        other.rmdir()


async def test_what_programs_need_is_there_and_can_be_written_for_oneself(node: World):
    before = {path: path.read_bytes() for path in map(Path, ("/etc/passwd", "/etc/hosts"))}
    script = (
        "python3 -c 'import ssl; ssl.create_default_context()' || echo no python;"
        "getent passwd nobody >/dev/null || echo no users;"
        "echo x:x:4711:4711::/:/bin/sh >> /etc/passwd; getent passwd x; touch /usr/bin/mine /opt/mine /mine /var/tmp/t;"
        "ls -d /usr/bin/mine /opt/mine /mine; rm -r /usr/share/doc; ls /usr/share/doc 2>/dev/null;"
        "stat -c %a /tmp /root; readlink /var/run"
    )
    expected = ["x:x:4711:4711::/:/bin/sh", "/mine", "/opt/mine", "/usr/bin/mine", "1777", "711", "/run"]
    assert await run(node, "writer", script) == expected
    assert {path: path.read_bytes() for path in before} == before
    assert not Path("/usr/bin/mine").exists()
    assert os.listdir("/usr/share/doc")


async def test_a_read_only_root_is_read_only_in_every_folder_and_volumes_in_it_are_not(node: World):
    script = (
        "for d in / /usr /etc /opt /var/tmp; do touch $d/x 2>/dev/null && echo $d; done; touch /etc/deep/x && echo ok"
    )
    one = {
        "securityContext": {"readOnlyRootFilesystem": True},
        "volumeMounts": [{"name": "v", "mountPath": "/etc/deep"}],
    }
    node.create("fixed", script, one, restartPolicy="Never", volumes=[{"name": "v", "emptyDir": {}}])
    await node.until("ended", lambda: node.status("fixed").get("phase") in ("Succeeded", "Failed"))
    assert node.log("fixed").splitlines() == ["ok"]


async def test_the_agent_is_left_as_it_was_by_looking_as_nobody(node: World):
    await node.until("the node", lambda: (node.config.run_dir / "view" / "etc" / "passwd").exists())
    assert Path("/etc/shadow").read_text()
    assert subprocess.run(["id", "-u"], capture_output=True, text=True, check=True).stdout == "0\n"
