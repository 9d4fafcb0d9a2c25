"""Every verb, with every path it takes missing, in the way, odd or of the wrong kind: one message that names it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from wherry.cli.main import VERBS, main
from wherry.cluster import lifecycle, sandbox
from wherry.cluster.config import ClusterConfig, plan_nodes

SECONDS = 60
"""No case may serve: one that does is ended, and fails."""


def garbage(path: Path) -> Path:
    path.write_bytes(b"\xff\xfe\x00: [ garbage")
    return path


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def empty(path: Path) -> Path:
    path.touch()
    return path


def below_a_file(path: Path) -> Path:
    path.touch()
    return path / "below"


def looping(path: Path) -> Path:
    path.symlink_to(path)
    return path


KINDS: dict[str, Callable[[Path], Path]] = {
    "missing": lambda p: p / "missing",
    "odd": lambda p: p / "mïßing, 名 前 *",
    "long": lambda p: p / ("x" * 300),
    "unwritable": lambda p: Path("/proc/nowhere/file"),
    "loop": lambda p: looping(p / "loop"),
    "below a file": lambda p: below_a_file(p / "file"),
    "folder": lambda p: folder(p / "folder"),
    "garbage": lambda p: garbage(p / "garbage"),
    "empty": lambda p: empty(p / "empty"),
    "a device": lambda p: Path("/dev/null"),
}
FILES = list(KINDS)
UNUSABLE = ["long", "unwritable", "loop", "below a file", "garbage", "empty", "a device"]
"""What no directory can be made of."""

NO_FILE = ["long", "unwritable", "loop", "below a file", "folder", "garbage", "a device"]
"""What no file can be made of."""

CONTENT = [kind for kind in KINDS if kind not in ("empty", "a device")]
"""Where nothing at all may be asked for, too."""

READABLE = ["missing", "odd", "long", "loop", "folder", "garbage"]

UP = ["up", "--name", "paths", "--bind", "127.0.0.33", "--addons", "none"]
CASES: dict[str, tuple[list[str], str, list[str]]] = {
    "up --image-map": ([*UP, "--image-map", "PATH"], "", CONTENT),
    "up --encryption-provider-config": ([*UP, "--encryption-provider-config", "PATH"], "", list(KINDS)),
    "up --data-dir": ([*UP, "--data-dir", "PATH"], "", UNUSABLE),
    "up in KUBECONFIG": (UP, "KUBECONFIG", NO_FILE),
    "up in XDG_DATA_HOME": (UP, "XDG_DATA_HOME", UNUSABLE),
    "up in HOME": (UP, "HOME", UNUSABLE),
    "proxy --kubeconfig": (["proxy", "--kubeconfig", "PATH"], "", FILES),
    "proxy --config": (["proxy", "--config", "PATH"], "", FILES),
    "networkpolicy --kubeconfig": (["networkpolicy", "--kubeconfig", "PATH"], "", FILES),
    "networkpolicy plan in KUBECONFIG": (["networkpolicy", "plan", "--node", "n"], "KUBECONFIG", FILES),
    "proxy plan --kubeconfig": (["proxy", "plan", "--node", "n", "--kubeconfig", "PATH"], "", FILES),
    "proxy plan in KUBECONFIG": (["proxy", "plan", "--node", "n"], "KUBECONFIG", FILES),
    "proxy set-mode --kubeconfig": (["proxy", "set-mode", "iptables", "--kubeconfig", "PATH"], "", FILES),
    "top services --kubeconfig": (["top", "services", "--kubeconfig", "PATH"], "", FILES),
    "trace --kubeconfig": (["trace", "pod/a", "b:1", "--kubeconfig", "PATH"], "", FILES),
    "dns --kubeconfig": (["dns", "--conf", "COREFILE", "--port", "5399", "--kubeconfig", "PATH"], "", FILES),
    "dns --conf": (["dns", "--conf", "PATH", "--port", "5399"], "", CONTENT),
    "dns check": (["dns", "check", "PATH"], "", READABLE),
    "ingress --kubeconfig": (["ingress", "--kubeconfig", "PATH"], "", FILES),
    "ingress --nginx": (["ingress", "--kubeconfig", "/nowhere", "--nginx", "PATH"], "", FILES),
    "ingress render --file": (["ingress", "render", "--file", "PATH"], "", READABLE),
    "ingress explain --file": (["ingress", "explain", "a.test", "--file", "PATH"], "", READABLE),
    "ingress lint": (["ingress", "lint", "PATH"], "", READABLE),
    "ingress migrate --kubeconfig": (["ingress", "migrate", "--kubeconfig", "PATH"], "", FILES),
    "ingress render --kubeconfig": (["ingress", "render", "--kubeconfig", "PATH"], "", FILES),
    **{
        f"{verb} in {name}": ([*verb.split(), "--name", "paths", *rest], name, UNUSABLE)
        for verb, rest in {
            "status": [], "image ls": [], "snapshot ls": [], "node stop": ["n"],
            "logs": [], "kubeconfig": [], "shell": ["n"], "doctor": [], "trace": ["pod/a", "b:1"], "top services": [],
        }.items()
        for name in ("XDG_DATA_HOME", "HOME")
    },
    "image load": (["image", "load", "--name", "stored", "PATH"], "", FILES),
    "image build": (["image", "build", "--name", "stored", "-t", "x", "PATH"], "", UNUSABLE),
    "down in KUBECONFIG": (["down", "--name", "paths"], "KUBECONFIG", ["long", "folder", "garbage", "a device"]),
}  # fmt: skip


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of the test's own, in which nothing is started and nothing takes the test's place."""

    def spawn(*_: object) -> None:
        raise OSError("a test starts no cluster")

    def replaced(*_: object) -> None:
        raise AssertionError("the verb went on")

    for name in ("HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setattr(sandbox, "spawn", spawn)
    monkeypatch.setattr(lifecycle, "_check_machine", lambda config: None)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    for name in ("os.execvp", "os.execvpe"):
        monkeypatch.setattr(name, replaced)
    (stored := tmp_path / "wherry" / "stored").mkdir(parents=True)
    ClusterConfig("stored", plan_nodes("1", "192.168.51.0/24", "10.244.0.0/16")).save(stored / "cluster.json")
    (tmp_path / "Corefile").write_text(".:5399 {\n    kubernetes cluster.local\n}\n")


def test_the_table_has_every_verb() -> None:
    assert {case.split()[0] for case in CASES} == set(VERBS)


@pytest.mark.parametrize(("case", "kind"), [(case, kind) for case, (*_, kinds) in CASES.items() for kind in kinds])
def test_a_bad_path_ends_in_a_message_that_names_what_is_wrong(
    case: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    args, variable, _ = CASES[case]
    path = KINDS[kind](tmp_path)
    if variable == "HOME":
        monkeypatch.delenv("XDG_DATA_HOME")
    if variable:
        monkeypatch.setenv(variable, str(path))
    words = {"PATH": str(path), "COREFILE": str(tmp_path / "Corefile")}
    code, output = RUN[args[0] in SERVERS]([words.get(arg, arg) for arg in args])
    assert code != 0
    assert "Traceback" not in output
    (said,) = re.findall(r"^(?:wherry|Error): .+$", output, re.MULTILINE)
    assert len(said) > 20


def inside(args: list[str]) -> tuple[int, str]:
    """Run a verb in this process, where it can start nothing."""
    result = CliRunner().invoke(main, args)
    assert isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def outside(args: list[str]) -> tuple[int, str]:
    """Run a verb that would serve in a process of its own."""
    done = subprocess.run([sys.executable, "-m", "wherry", *args], capture_output=True, timeout=SECONDS)
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


RUN = {False: inside, True: outside}
SERVERS = ("proxy", "networkpolicy", "dns", "ingress")
