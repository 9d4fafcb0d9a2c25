"""Files are replaced whole or not at all."""

import os
from pathlib import Path

import pytest

from wherry.cluster import files


def test_a_file_is_replaced_with_its_mode_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    files.replace(path, b"new", 0o640)
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o640)
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_goes_on_leading_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    files.replace(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "new"


@pytest.mark.skipif(not os.access("/dev/full", os.W_OK), reason="this system has no /dev/full")
def test_a_write_that_fails_leaves_the_old_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("old")
    full = os.open("/dev/full", os.O_WRONLY)
    monkeypatch.setattr("os.open", lambda *_: full)
    with pytest.raises(OSError, match="No space left") as caught:
        files.replace(tmp_path / "file", b"new")
    assert files.told(caught.value) == f"{tmp_path}/file: no space left on device"
    assert (tmp_path / "file").read_text() == "old"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(28, "No space left on device", "/a/b"), "/a/b: no space left on device"),
        (OSError(18, "Invalid cross-device link", "/a", None, "/b"), "/a to /b: invalid cross-device link"),
        (OSError(28, "No space left on device"), "no space left on device"),
        (OSError("words of ours"), "words of ours"),
    ],
)
def test_an_error_is_told_without_its_number(error: OSError, text: str) -> None:
    assert files.told(error) == text
