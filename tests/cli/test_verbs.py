"""What the verbs say where there is no cluster, another one, a stopped one, or a damaged one."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.images.maker import docker_save, entry, layer
from wherry.cli import options
from wherry.cli.main import main
from wherry.cluster import lifecycle
from wherry.cluster.config import ClusterConfig, plan_nodes


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    return tmp_path / "wherry"


@pytest.fixture
def stopped(home: Path) -> Path:
    """The data directory of a cluster `web` that does not run."""
    data = home / "web"
    (data / "logs").mkdir(parents=True)
    (data / "logs" / "init.log").write_text("one\ntwo\n")
    (data / "kubeconfig").write_text("kind: Config\n")
    ClusterConfig("web", plan_nodes("2", "192.168.51.0/24", "10.244.0.0/16"), bind="127.0.0.9").save(
        data / "cluster.json"
    )
    return data


def wherry(*args: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, args)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.mark.parametrize(
    "verb",
    [
        ["kubeconfig"],
        ["logs"],
        ["image", "ls"],
        ["snapshot", "ls"],
        ["node", "stop", "n"],
        ["node", "add", "n"],
        ["shell", "n"],
        ["status", "--name", "default"],
    ],
)
def test_without_a_cluster_every_verb_says_how_to_make_one(verb: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert wherry(*verb) == (1, "wherry: there is no cluster default; `wherry up` makes it\n")


def test_an_ordinary_user_is_told_whose_clusters_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert wherry("status") == (
        0,
        "there is no cluster; `wherry up` makes one (those that sudo made are root's: use sudo)\n",
    )


@pytest.mark.usefixtures("stopped")
def test_a_verb_for_the_wrong_cluster_names_the_right_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert wherry("kubeconfig") == (1, "wherry: there is no cluster default; there is: --name web\n")


def test_status_of_a_stopped_cluster_says_how_to_start_it(stopped: Path) -> None:
    line = f"web: stopped; `wherry up --name web` starts it again from {stopped}\n"
    assert wherry("status") == (0, line)
    assert wherry("status", "--name", "web") == (1, line)


@pytest.mark.usefixtures("stopped")
def test_a_shell_needs_a_running_cluster() -> None:
    assert wherry("shell", "--name", "web", "k8s-master") == (
        1,
        "wherry: cluster web is stopped; `wherry up --name web` starts it\n",
    )


@pytest.mark.usefixtures("stopped")
def test_logs_of_an_unknown_component_name_those_there_are() -> None:
    assert wherry("logs", "--name", "web", "kubelet") == (
        1,
        "wherry: there is no component 'kubelet'; choose from init\n",
    )


@pytest.mark.parametrize(
    ("options", "printed"),
    [((), "oldest older one two "), (("-n", "1"), "two "), (("-n", "3"), "older one two "), (("-n", "0"), "")],
)
def test_logs_of_a_component_reach_back_over_what_was_put_aside(
    stopped: Path, options: tuple[str, ...], printed: str
) -> None:
    (stopped / "logs" / "init.log.1").write_text("older\n")
    (stopped / "logs" / "init.log.2").write_text("oldest\n")
    command = [sys.executable, "-m", "wherry", "logs", "--name", "web", "init", *options]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.replace("\n", " ") == printed


@pytest.mark.usefixtures("stopped")
def test_kubeconfig_prints_the_file() -> None:
    assert wherry("kubeconfig", "--name", "web") == (0, "kind: Config\n")


def test_a_damaged_configuration_is_no_traceback(stopped: Path) -> None:
    (stopped / "cluster.json").write_text("{")
    code, output = wherry("status")
    assert code == 1
    assert output.startswith(f"wherry: {stopped / 'cluster.json'} is damaged")
    assert output.endswith("`wherry down --name web --purge` forgets the cluster\n")


def test_down_without_a_cluster_is_no_error() -> None:
    assert wherry("down", "--name", "nope") == (0, "there is no cluster nope\n")


def test_what_was_asked_for_is_kept_for_the_next_up(stopped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Options that are not given are as they were, and those given win."""
    seen: list[ClusterConfig] = []
    monkeypatch.setattr(lifecycle, "up", lambda config, paths, progress: seen.append(config))
    assert wherry("up", "--name", "web", "--http-port", "80", "--addons", "dns")[0] == 0
    saved = ClusterConfig.load(stopped / "cluster.json")
    assert (seen[0].nodes, seen[0].bind) == (saved.nodes, "127.0.0.9")
    assert (seen[0].http_port, seen[0].addons) == (80, ("dns",))


def test_up_says_where_everything_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "up", lambda config, paths, progress: None)
    code, output = wherry("up", "--name", "b", "--nodes", "a,c=192.168.51.7", "--addons", "none", "--bind", "127.0.0.9")
    assert code == 0
    for part in (
        "cluster b is up after",
        "a 192.168.51.209, c 192.168.51.7",
        "https://127.0.0.9:6443, kubectl context wherry-b",
        "http://127.0.0.9:8080 and https://127.0.0.9:8443, once a controller is installed",
        "wherry shell --name b a",
        "wherry down --name b",
    ):
        assert part in output


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--proxy-mode", "magic"], "'magic' is unknown: use nftables"),
        (["--api-port", "0"], "0 is not in the range"),
    ],
)
def test_bad_options_are_refused_with_the_choice(option: list[str], message: str) -> None:
    code, output = wherry("up", *option)
    assert (code, message in output) == (2, True), output


@pytest.mark.usefixtures("home")
def test_up_without_root_says_so_and_leaves_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    code, output = wherry("up")
    assert (code, "needs root" in output, "sudo" in output) == (1, True, True)
    assert not home.exists()


@pytest.mark.usefixtures("home")
def test_up_in_a_mode_that_the_kernel_lacks_says_so_and_leaves_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_here() -> None:
        raise OSError(errno.ENOENT, "no IPVS")

    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda *_, **__: "/usr/bin/it")
    monkeypatch.setattr(lifecycle, "Ipvs", none_here)
    code, output = wherry("up", "--proxy-mode", "ipvs")
    assert (code, "modprobe ip_vs" in output, "--proxy-mode nftables" in output) == (1, True, True)
    assert not home.exists()


def test_interrupting_up_before_anything_runs_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(lifecycle, "up", interrupted)
    code, output = wherry("up")
    assert code == 1
    assert output.endswith("wherry: interrupted before anything ran\n")


def test_the_default_cluster_needs_no_name_in_advice() -> None:
    assert options.verb("shell n", "default") == "wherry shell n"
    assert options.verb("shell n", "web") == "wherry shell --name web n"


@pytest.mark.parametrize("verb", ["proxy", "networkpolicy", "dns", "ingress"])
def test_a_component_outside_a_pod_asks_for_its_cluster(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """$KUBECONFIG is kubectl's: with it alone a component would change this machine for a cluster nobody named."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        "{current-context: c, contexts: [{name: c, context: {cluster: c}}], "
        "clusters: [{name: c, cluster: {server: 'http://127.0.0.9:1'}}]}"
    )
    corefile = tmp_path / "Corefile"
    corefile.write_text(".:5353 {\n    kubernetes cluster.local\n}\n")
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    given = ["--conf", str(corefile), "--bind", "127.0.0.230"] if verb == "dns" else []
    code = "from wherry.cli.main import main; main()"
    ended = subprocess.run([sys.executable, "-c", code, verb, *given], capture_output=True, text=True, timeout=30)
    assert (ended.returncode, "name the cluster with --kubeconfig FILE" in ended.stderr) == (1, True), ended.stderr


@pytest.mark.usefixtures("stopped")
def test_a_stopped_clusters_images_can_be_listed_saved_and_removed(tmp_path: Path) -> None:
    of = ("--name", "web")
    archive = docker_save(tmp_path / "saved.tar", [layer(entry("file", "x"))], ["one:1", "two:2"], {})
    code, output = wherry("image", "load", *of, str(archive))
    assert (code, output.splitlines()[0].split()[:2]) == (0, ["loaded", "docker.io/library/one:1"])
    assert wherry("image", "save", *of, "one:1", "two:2", "-o", str(tmp_path / "again.tar")) == (0, "")
    code, output = wherry("image", "rm", *of, "one:1")
    assert (code, output) == (0, "removed docker.io/library/one:1\nfreed 0.0 MB\n")
    code, output = wherry("image", "ls", *of)
    assert [line.split()[0] for line in output.splitlines()] == ["NAME", "docker.io/library/two:2"]
    assert wherry("image", "load", *of, str(tmp_path / "again.tar"))[0] == 0
    assert len(wherry("image", "ls", *of)[1].splitlines()) == 3
    for verb in ("rm", "save"):
        code, output = wherry("image", verb, *of, "other")
        assert (code, output) == (1, "wherry: other: there is no such image here; `wherry image ls` lists them\n")
    code, output = wherry("image", "pull", *of, "NO:IMAGE")
    assert code == 1
    assert "invalid reference format" in output


def test_a_node_is_added_to_a_stopped_cluster_and_not_removed_from_one(stopped: Path) -> None:
    assert wherry("node", "add", "--name", "web", "new") == (0, "node new is added: 192.168.51.211\n")
    assert [node.name for node in ClusterConfig.load(stopped / "cluster.json").nodes][2:] == ["new"]
    code, output = wherry("node", "rm", "--name", "web", "new")
    assert code == 1
    assert "cluster web is stopped, and its API is to forget the node" in output
    assert "is named twice" in wherry("node", "add", "--name", "web", "new")[1]


def test_advice_has_the_clusters_name_where_the_verb_takes_it() -> None:
    assert options.verb("logs control-plane", "web") == "wherry logs --name web control-plane"
    assert options.verb("node start", "web") == "wherry node start --name web"
