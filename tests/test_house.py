"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
LONGEST = 400
MODULES = sorted(p.relative_to(TOP).as_posix() for p in (TOP / "wherry").rglob("*.py"))
PACKAGES = [m for m in MODULES if m.endswith("__init__.py")]
REGISTRY_HOSTS = re.compile(
    r"\b(?:[\w-]+\.)*(?:pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|crates\.io|rubygems\.org|proxy\.golang\.org)\b"
)


def docstring(module: str) -> str:
    return ast.get_docstring(ast.parse((TOP / module).read_text())) or ""


def imported_names(module: str) -> list[str]:
    """Return the modules a module imports anywhere."""
    names = []
    for node in ast.walk(ast.parse((TOP / module).read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
    return names


def imported(module: str) -> set[str]:
    """Return the packages a module imports anywhere, by their first name; its own are `wherry`."""
    return {name.partition(".")[0] for name in imported_names(module)}


def canonical(distribution: str) -> str:
    """Return a distribution's name in the one form PEP 503 gives all its spellings."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, text=True, check=False).stdout
    return [TOP / name for name in listed.split("\0") if name]


def test_every_module_says_what_it_is() -> None:
    assert not [m for m in MODULES if not docstring(m).split("\n\n")[0].endswith((".", ":", "?"))]


def test_every_module_is_short_enough_to_read() -> None:
    assert not [m for m in MODULES if len((TOP / m).read_text().splitlines()) > LONGEST]


def test_a_package_that_lists_its_files_lists_what_is_there() -> None:
    """A name in the first column of a docstring's table is a file or folder of that package."""
    missing = []
    for package in PACKAGES:
        rows = re.findall(r"^ *([a-z_]+(?:\.[a-z.0-9]+|/))  +\S", docstring(package), re.MULTILINE)
        missing += [f"{package}: {name}" for name in rows if not ((TOP / package).parent / name).exists()]
    assert not missing


def test_every_library_that_is_imported_is_declared_and_no_other() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    declared = {canonical(re.split(r"[<>=~!\[; ]", entry)[0]) for entry in project["dependencies"]}
    imports = set().union(*map(imported, MODULES)) - sys.stdlib_module_names - {"wherry"}
    providers = packages_distributions()
    assert {canonical(providers.get(name, [name])[0]) for name in imports} == declared


PUBLIC = {"aiohttp", "aiohttp.web"}


def test_libraries_are_used_by_their_public_names() -> None:
    """No module or name with an underscore in front; of aiohttp, whose parts change between versions, its two faces."""
    hidden = []
    for module in MODULES:
        for name in imported_names(module):
            private = any(part.startswith("_") for part in name.split(".")) and not name.startswith(("wherry", "__"))
            if private or (name.startswith("aiohttp.") and name not in PUBLIC):
                hidden.append(f"{module}: {name}")
    assert not hidden


def test_licence_and_notice_go_into_the_wheel() -> None:
    """Those files are part of it by PEP 639; the notice names every file of data that comes from elsewhere."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    assert project["license"] == "Apache-2.0"
    assert set(project["license-files"]) == {"LICENSE", "NOTICE"}
    assert "Apache License" in (TOP / "LICENSE").read_text()
    for name in ("wherry/objects/schema.json", "wherry/objects/openapi/openapi_v2.json"):
        assert (TOP / name).exists()
        assert name in (TOP / "NOTICE").read_text()


@pytest.mark.parametrize("room", sorted(p.name for p in (TOP / "wherry").iterdir() if (p / "__init__.py").exists()))
def test_every_room_is_in_the_architecture_and_has_tests(room: str) -> None:
    assert f"    {room}/ " in (TOP / "ARCHITECTURE.md").read_text()
    assert list((TOP / "tests" / room).rglob("test_*.py"))


def test_no_file_names_a_package_registrys_host() -> None:
    found = []
    for path in tracked():
        if path.suffix in (".bin", ".sum") or not path.is_file():
            continue
        text = path.read_text(errors="replace")
        found += [f"{path.relative_to(TOP)}: {match[0]}" for match in REGISTRY_HOSTS.finditer(text)]
    own = Path(__file__).relative_to(TOP).as_posix()
    assert not [entry for entry in found if not entry.startswith(own)]


def test_every_script_says_what_it_is_and_is_executable() -> None:
    for path in (TOP / "scripts").iterdir():
        if path.is_file():
            first, second = path.read_text().splitlines()[:2]
            assert first.startswith("#!/usr/bin/env "), path
            assert second.startswith(("# ", '"""')), path
            assert path.stat().st_mode & 0o111, path
