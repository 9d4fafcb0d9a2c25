"""A volume over the folder of a program of the machine is named as what hides it."""

from __future__ import annotations

from pathlib import Path

import pytest

from wherry.node.pods.act.program import hidden
from wherry.node.runtime.spec import Mount


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A program in a folder, and an empty volume beside it."""
    for name in ("bin", "volume"):
        (tmp_path / name).mkdir()
    (tmp_path / "bin" / "serve").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "serve").chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("target", ["bin", "."])
def test_a_volume_over_its_folder_hides_it(place: Path, target: str) -> None:
    over = Mount(place / "volume", str(place / target))
    for program, search in ((f"{place}/bin/serve", None), ("serve", f"{place}/bin")):
        why = hidden(program, search, [over])
        assert why is not None
        assert why.startswith(f"{place}/bin/serve of this machine")
        assert why.endswith(f"hidden by the volume mounted at {over.target}")


def test_a_volume_elsewhere_or_one_that_has_it_or_the_program_mounted_again_does_not(place: Path) -> None:
    program, empty = f"{place}/bin/serve", Mount(place / "volume", str(place))
    assert hidden(program, None, [Mount(place / "volume", "/srv")]) is None
    assert hidden(program, None, [Mount(place / "bin", f"{place}/bin")]) is None
    assert hidden(program, None, [empty, Mount(place / "bin", f"{place}/bin")]) is None


def test_a_program_the_machine_lacks_is_not_hidden(place: Path) -> None:
    over = [Mount(place / "volume", "/")]
    assert hidden("/nowhere/serve", None, over) is None
    assert hidden("nowhere-at-all", "/usr/bin", over) is None
