"""Where clusters live: remembered once something is there, and never on top of somebody else's files."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from wherry.cluster import datadir
from wherry.cluster.config import ConfigError
from wherry.cluster.paths import Paths


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    return tmp_path / "xdg" / "wherry"


def make(name: str, data_dir: Path | None = None) -> Paths:
    paths = datadir.locate(name, str(data_dir) if data_dir else None)
    with datadir.prepared(name, paths):
        paths.config.write_text("{}")
    return paths


def test_a_cluster_lives_under_its_name_in_the_xdg_data_directory(home: Path) -> None:
    assert make("one").data == home / "one"
    assert datadir.known() == ["one"]


def test_a_data_dir_given_once_is_remembered(tmp_path: Path, home: Path) -> None:
    make("far", tmp_path / "elsewhere")
    assert datadir.locate("far", None).data == tmp_path / "elsewhere" / "far"
    assert datadir.known() == ["far"]


def test_a_cluster_has_one_data_dir(tmp_path: Path) -> None:
    make("far", tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match=r"cluster far lives in .*/elsewhere/far; `wherry down --name far --purge`"):
        datadir.locate("far", str(tmp_path / "third"))


def test_a_first_start_that_fails_leaves_nothing(tmp_path: Path, home: Path) -> None:
    for data_dir in (None, str(tmp_path / "elsewhere")):
        paths = datadir.locate("one", data_dir)
        with pytest.raises(RuntimeError), datadir.prepared("one", paths):
            raise RuntimeError
        assert not paths.data.exists()
    assert not list(home.iterdir())


def test_a_later_start_that_fails_leaves_the_cluster(home: Path) -> None:
    paths = make("one")
    with pytest.raises(RuntimeError), datadir.prepared("one", paths):
        raise RuntimeError
    assert paths.config.exists()


def test_files_of_others_are_neither_used_nor_deleted(tmp_path: Path) -> None:
    (tmp_path / "work" / "one").mkdir(parents=True)
    (tmp_path / "work" / "one" / "thesis.tex").write_text("…")
    paths = datadir.locate("one", str(tmp_path / "work"))
    with pytest.raises(ConfigError, match=r"holds other files \(thesis\.tex\)"), datadir.prepared("one", paths):
        pytest.fail("the body ran")
    assert (tmp_path / "work" / "one" / "thesis.tex").exists()


def test_a_start_killed_before_it_wrote_its_configuration_is_taken_up(home: Path) -> None:
    (home / "one" / "pki").mkdir(parents=True)
    assert make("one").config.exists()


def test_a_directory_that_cannot_be_is_named() -> None:
    paths = datadir.locate("one", "/proc/nowhere")
    with (
        pytest.raises(ConfigError, match="cannot keep cluster one in /proc/nowhere/one"),
        datadir.prepared("one", paths),
    ):
        pytest.fail("the body ran")


def test_purging_takes_the_link_along(tmp_path: Path, home: Path) -> None:
    paths = make("far", tmp_path / "elsewhere")
    datadir.purge("far", paths)
    assert not paths.data.exists()
    assert not list(home.iterdir())


def test_a_link_that_leads_nowhere_any_more_is_replaced(tmp_path: Path, home: Path) -> None:
    home.mkdir(parents=True)
    (home / "far").symlink_to(tmp_path / "gone" / "far")
    assert make("far", tmp_path / "new").data == datadir.locate("far", None).data


def _hold(paths: Paths, said: multiprocessing.queues.SimpleQueue[str]) -> None:
    with datadir.lock(paths, said.put):
        said.put("got it")


def test_who_has_to_wait_for_the_lock_is_told(home: Path) -> None:
    paths = make("one")
    context = multiprocessing.get_context("spawn")
    said = context.SimpleQueue()
    other = context.Process(target=_hold, args=(paths, said))
    with datadir.lock(paths, pytest.fail):
        other.start()
        assert "waiting for another" in said.get()
    assert said.get() == "got it"
    other.join()
