"""What a newcomer reads when something is not as it should be, and how a command ends."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from wherry.cli.main import main
from wherry.cluster import lifecycle
from wherry.cluster.config import ClusterConfig
from wherry.cluster.errors import ClusterError
from wherry.net.conntrack import ConntrackError, delete_udp_flows
from wherry.net.nft import NftCommand, NftError
from wherry.node.runtime import machine
from wherry.objects.family import Family


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user of their own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    return tmp_path


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that is taken on 127.0.0.77 and on the first addresses one might think of."""
    addresses = ["127.0.0.77", "127.0.0.2", "127.0.0.3"]
    with socket.create_server((addresses[0], 0)) as first:
        port = first.getsockname()[1]
        others = [socket.create_server((address, port)) for address in addresses[1:]]
        yield port
        for other in others:
            other.close()


def test_for_a_taken_port_an_address_is_proposed_that_is_free(taken: int) -> None:
    config = ClusterConfig("x", (), bind="127.0.0.77", api_port=taken)
    with pytest.raises(
        ClusterError, match=f"port {taken} on 127.0.0.77 is taken; choose another with --api-port"
    ) as told:
        lifecycle._listen(config)
    proposed = re.search(r"--bind (127\.0\.0\.\d+)$", str(told.value))
    assert proposed is not None
    assert proposed[1] not in ("127.0.0.2", "127.0.0.3")
    for listener in lifecycle._listen(ClusterConfig("x", (), bind=proposed[1], api_port=taken)).values():
        listener.close()


def test_an_address_that_is_not_here_is_blamed_on_bind() -> None:
    with pytest.raises(ClusterError, match=r"^--bind 192\.0\.2\.1: this machine has no such address$"):
        lifecycle._listen(ClusterConfig("x", (), bind="192.0.2.1"))


def said(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, arguments)
    return result.exit_code, result.output


@pytest.mark.parametrize("options", [("--name", "x" * 64), ("--nodes", "y" * 64 + "="), ("--name", "Under_score")])
def test_a_name_is_told_its_rule_with_the_limit_and_ends_with_2(options: tuple[str, str]) -> None:
    code, text = said("up", *options)
    assert code == 2
    assert "lower-case letters, digits and '-' between them, 63 at most" in text


@pytest.mark.parametrize(
    "line", ["up --pod-cidr 1.2.3.0/33", "up --addons moon", "up --nosuch", "nosuch", "up --bind x"]
)
def test_misuse_ends_with_2(line: str) -> None:
    assert said(*line.split())[0] == 2


def test_what_fails_though_it_is_asked_for_rightly_ends_with_1(home: Path) -> None:
    (home / "config").write_text("{")
    assert said("up", "--name", "x")[0] == 1
    assert said("status", "--name", "nosuch")[0] == 1


def test_down_of_a_cluster_that_is_not_there_says_so() -> None:
    assert said("down", "--name", "nosuch") == (0, "there is no cluster nosuch\n")


def wherry(line: str, output: int) -> tuple[int, str]:
    command = [sys.executable, "-m", "wherry", *line.split()]
    done = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, text=True, timeout=30)
    return done.returncode, done.stderr


@pytest.mark.parametrize("line", ["status", "--help", "up --help", "logs --name x"])
def test_a_reader_who_has_seen_enough_ends_it_without_a_word(line: str, home: Path) -> None:
    a_cluster(home, "x")
    reading, writing = os.pipe()
    os.close(reading)
    try:
        _, text = wherry(line, writing)
    finally:
        os.close(writing)
    assert text == ""


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a program."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(machine, "SBIN", ())


@pytest.mark.usefixtures("bare")
async def test_a_missing_program_is_named_with_its_package() -> None:
    with pytest.raises(NftError, match=r"nft is not installed .*package nftables"):
        await NftCommand().run("")
    with pytest.raises(ConntrackError, match=r"conntrack is not installed .*package conntrack"):
        await delete_udp_flows(lambda _: False, Family.V4)
    with pytest.raises(machine.RuntimeMissingError, match=r"apt-get install (runc|crun)"):
        machine.programs()


@pytest.mark.usefixtures("bare")
def test_a_missing_conmon_is_named_where_there_is_a_runtime(tmp_path: Path) -> None:
    (tmp_path / "runc").touch(0o755)
    with pytest.raises(machine.RuntimeMissingError, match="apt-get install conmon"):
        machine.programs()


@pytest.mark.parametrize("line", ["status", "--help", "up --help"])
def test_an_output_that_is_full_is_one_line(line: str) -> None:
    with open("/dev/full", "w") as full:
        code, text = wherry(line, full.fileno())
    assert code == 1
    assert re.fullmatch(r"wherry: .*no space left on device\n", text, re.IGNORECASE)


def a_cluster(home: Path, name: str) -> None:
    """Make what a stopped cluster leaves: a configuration and a log longer than a pipe."""
    (logs := home / "wherry" / name / "logs").mkdir(parents=True)
    (logs / "init.log").write_text("a line\n" * 100_000)
    ClusterConfig(name, ()).save(home / "wherry" / name / "cluster.json")


def test_up_warns_of_a_mount_whose_source_is_missing(home: Path) -> None:
    (home / "images.yaml").write_text("images: [{match: a, mounts: [{source: site, target: /srv/site}]}]")
    (home / "config").write_text("{")  # so that nothing is started
    _, text = said("up", "--name", "x", "--image-map", str(home / "images.yaml"))
    assert f"--image-map: there is no {home}/site: pods that mount it will not start" in text
    (home / "site").mkdir()
    assert "there is no" not in said("up", "--name", "x", "--image-map", str(home / "images.yaml"))[1]
