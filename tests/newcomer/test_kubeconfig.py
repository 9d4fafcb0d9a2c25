"""The user's kubeconfig: what `up` puts there goes with `down`, whatever happened in between, and the rest stays."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml

from wherry.cluster import kubeconfig, merged
from wherry.cluster.kubeconfig import KubeconfigError
from wherry.cluster.paths import Paths


def ours(name: str) -> dict[str, object]:
    entry = f"wherry-{name}"
    lists = {key: [{"name": entry}] for key in kubeconfig.LISTS}
    return {**lists, "current-context": entry}


def up(name: str, folder: Path, path: Path) -> Paths:
    """Do with the kubeconfig at `path` what `wherry up` does."""
    (data := folder / name).mkdir(exist_ok=True)
    paths = Paths(data)
    merged.add(paths, path, kubeconfig.merge(path, ours(name)))
    return paths


def down(paths: Paths) -> None:
    merged.take_out(paths.data.name, merged.read(paths))


def content(path: Path) -> tuple[str, list[str]]:
    """Return the current context and all of them."""
    loaded = yaml.safe_load(path.read_text())
    return loaded["current-context"], [c["name"] for c in loaded["contexts"]]


def test_the_current_context_goes_back_to_what_it_was(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("{contexts: [{name: mine}], current-context: mine}")
    up("a", tmp_path, path)
    down(up("a", tmp_path, path))  # the second `up` finds the cluster's own
    assert content(path) == ("mine", ["mine"])


def test_of_one_that_is_gone_by_then_none_is_left(tmp_path: Path) -> None:
    path = tmp_path / "config"
    first, second = up("a", tmp_path, path), up("b", tmp_path, path)
    down(first)
    down(second)
    assert content(path) == ("", [])


def test_a_context_the_user_has_chosen_stays(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("{contexts: [{name: mine}, {name: other}], current-context: mine}")
    paths = up("a", tmp_path, path)
    path.write_text(path.read_text().replace("current-context: wherry-a", "current-context: other"))
    down(paths)
    assert content(path) == ("other", ["mine", "other"])


def test_every_file_it_was_put_into_is_cleaned(tmp_path: Path) -> None:
    places = [tmp_path / "one", tmp_path / "two"]
    for path in places:
        paths = up("a", tmp_path, path)
    down(paths)
    assert [content(path) for path in places] == [("", []), ("", [])]


def test_one_that_cannot_be_cleaned_is_named_and_keeps_no_other_from_it(tmp_path: Path) -> None:
    broken, good = tmp_path / "broken", tmp_path / "good"
    for path in (broken, good):
        paths = up("a", tmp_path, path)
    broken.write_text("{")
    with pytest.raises(KubeconfigError, match=f"{broken} is not YAML"):
        down(paths)
    assert content(good) == ("", [])


def test_clusters_that_go_at_once_leave_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config"
    every = [up(f"r{number}", tmp_path, path) for number in range(8)]
    threads = [threading.Thread(target=down, args=(paths,)) for paths in every]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert content(path)[1] == []


@pytest.mark.parametrize("path", ["/proc/config", "/dev/null", "/proc/self/x/config"])
def test_a_file_that_cannot_be_written_is_named_in_one_line_before_anything_starts(path: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "wherry", "up", "--name", "never", "--bind", "127.0.0.75"]
    environment = {
        "KUBECONFIG": path,
        "XDG_DATA_HOME": str(tmp_path),
        "HOME": str(tmp_path),
        "PATH": "/usr/bin:/usr/sbin",
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert done.stderr.startswith(f"wherry: kubeconfig {path} ")
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.rglob("*.key"))


def test_a_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    path = tmp_path / "not" / "yet" / "config"
    kubeconfig.check(path)
    down(up("a", tmp_path, path))
    assert content(path) == ("", [])


def test_no_key_is_left_beside_a_file_that_cannot_be_replaced(tmp_path: Path) -> None:
    (path := tmp_path / "config").mkdir()
    with pytest.raises(KubeconfigError):
        kubeconfig.merge(path, ours("a"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config"]
