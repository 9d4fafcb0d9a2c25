"""CONTRIBUTING.md points at files and names that exist."""

from __future__ import annotations

import re
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
TEXT = (TOP / "CONTRIBUTING.md").read_text()
NAME = re.compile(r"`([\w./-]*\w(?:\.\w+|/))`")


def sections() -> list[str]:
    """Return the paragraphs, each of which may abbreviate paths to those of its room."""
    return re.split(r"\n\n", TEXT)


def test_every_path_in_the_text_exists() -> None:
    missing = []
    for section in sections():
        folders = [TOP, TOP / "wherry"]
        for name in NAME.findall(section):
            if "NAME" in name:
                folders.append((TOP / name.replace("NAME", "x")).parent)
                continue
            places = [folder / name for folder in folders]
            missing += [] if any(place.exists() for place in places) else [name]
            folders += [place if place.is_dir() else place.parent for place in places if place.exists()]
    assert not missing


def test_every_script_is_in_the_table() -> None:
    listed = set(re.findall(r"^\| `scripts/([\w-]+)` \|", TEXT, re.MULTILINE))
    assert listed == {p.name for p in (TOP / "scripts").iterdir() if p.is_file()}
