"""What of a machine is left out of its pods' root."""

from __future__ import annotations

from pathlib import Path

from wherry.node.images.machineroot import unreadable


def test_what_not_everybody_can_read_is_found_and_a_closed_folder_only_once(tmp_path: Path):
    for name, mode in {"open": 0o755, "listed": 0o711, "closed": 0o700, "open/deep": 0o755}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("x")
        (tmp_path / name).chmod(mode)
    (tmp_path / "open/deep/secret").touch(mode=0o640)
    (tmp_path / "link").symlink_to("nowhere")
    assert {str(path) for path in unreadable(tmp_path)} == {"listed", "closed", "open/deep/secret"}
