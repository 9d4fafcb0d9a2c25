"""Merging into the user's kubeconfig, and out of it again."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from wherry.cluster import kubeconfig


def ours(name: str = "wherry-default", server: str = "https://127.0.0.1:6443") -> dict[str, Any]:
    return {
        "clusters": [{"name": name, "cluster": {"server": server}}],
        "users": [{"name": name, "user": {}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }


THEIRS = {
    "apiVersion": "v1",
    "kind": "Config",
    "preferences": {"colors": True},
    "clusters": [{"name": "work", "cluster": {"server": "https://work"}}],
    "users": [{"name": "work", "user": {"token": "secret"}}],
    "contexts": [{"name": "work", "context": {"cluster": "work", "user": "work"}}],
    "current-context": "work",
}


def test_a_missing_file_is_made_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config"
    kubeconfig.merge(path, ours())
    assert yaml.safe_load(path.read_text())["current-context"] == "wherry-default"
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_others_keep_there_survives_merging_twice_and_removing(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(THEIRS))
    kubeconfig.merge(path, ours())
    kubeconfig.merge(path, ours(server="https://127.0.0.1:7443"))
    merged = yaml.safe_load(path.read_text())
    assert [c["cluster"]["server"] for c in merged["clusters"]] == ["https://work", "https://127.0.0.1:7443"]
    assert merged["preferences"] == {"colors": True}
    kubeconfig.remove(path, "default")
    assert yaml.safe_load(path.read_text()) == {**THEIRS, "current-context": ""}


def test_removing_what_is_not_there_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("# mine\n" + yaml.safe_dump(THEIRS))
    before = path.read_text()
    kubeconfig.remove(path, "default")
    assert path.read_text() == before


@pytest.mark.parametrize("text", ["a: [", "just words"])
def test_a_file_that_is_no_kubeconfig_is_refused_in_one_line_and_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    for attempt in (kubeconfig.check, lambda p: kubeconfig.merge(p, ours()), lambda p: kubeconfig.remove(p, "default")):
        with pytest.raises(kubeconfig.KubeconfigError, match=r"mend it, or set KUBECONFIG") as caught:
            attempt(path)
        assert "\n" not in str(caught.value)
    assert path.read_text() == text


def test_a_folder_to_be_made_is_no_obstacle(tmp_path: Path) -> None:
    kubeconfig.check(tmp_path / "not" / "yet" / "config")


def test_a_file_that_is_no_regular_one_is_never_replaced() -> None:
    for attempt in (kubeconfig.check, lambda p: kubeconfig.merge(p, ours())):
        with pytest.raises(kubeconfig.KubeconfigError, match="no regular file: set KUBECONFIG to one"):
            attempt(Path("/dev/null"))
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("path", ["/proc/nowhere/config", "/proc/self/status/config", f"/tmp/{'x' * 300}"])
def test_a_place_that_cannot_be_written_is_said_in_one_line(path: str) -> None:
    for attempt in (kubeconfig.check, lambda p: kubeconfig.merge(p, ours())):
        with pytest.raises(kubeconfig.KubeconfigError, match=r"cannot be used \(.*\): set KUBECONFIG") as caught:
            attempt(Path(path))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["clusters: 7", "users: [a, b]", "contexts: {a: b}", "- a", "\xff\xfe"])
def test_lists_that_are_none_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(kubeconfig.KubeconfigError, match="mend it, or set KUBECONFIG"):
        kubeconfig.check(path)


def test_many_that_come_and_go_at_once_lose_nobodys_entry(tmp_path: Path) -> None:
    path = tmp_path / "config"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: kubeconfig.merge(path, ours(f"wherry-{n}")), range(24)))
        list(pool.map(lambda n: kubeconfig.remove(path, str(n)), range(0, 24, 2)))
    left = yaml.safe_load(path.read_text())
    for key in kubeconfig.LISTS:
        assert {entry["name"] for entry in left[key]} == {f"wherry-{n}" for n in range(1, 24, 2)}
