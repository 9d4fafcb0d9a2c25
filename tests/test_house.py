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
ROOMS = sorted(p.name for p in (TOP / "wherry").iterdir() if (p / "__init__.py").exists())
READMES = sorted(p.relative_to(TOP).as_posix() for p in (TOP / "wherry").rglob("README.md"))
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


PUBLIC = {"aiohttp", "aiohttp.abc", "aiohttp.web"}


def test_libraries_are_used_by_their_public_names() -> None:
    """No module or name with an underscore in front; of aiohttp, whose parts change between versions, three faces."""
    hidden = []
    for module in MODULES:
        for name in imported_names(module):
            private = any(part.startswith("_") for part in name.split(".")) and not name.startswith(("wherry", "__"))
            if private or (name.startswith("aiohttp.") and name not in PUBLIC):
                hidden.append(f"{module}: {name}")
    assert not hidden


WATCH = """
import importlib, sys

def seen():
    found = {}
    for module in watched:
        for name, value in list(vars(sys.modules[module]).items()):
            if callable(value):
                found[module, name] = value
            if isinstance(value, type) and value.__module__ == module:
                found |= {(module, name, inner): v for inner, v in list(vars(value).items()) if callable(v)}
    return found

for name in ("aiohttp.web", "asyncio", "json", "logging", "socket", "ssl", "subprocess", "urllib.request"):
    importlib.import_module(name)
watched = set(sys.modules) - {"__main__"}
before = seen()
for name in sys.argv[1:]:
    importlib.import_module(name)
after = seen()
print(*(key for key, value in before.items() if after.get(key) is not value), sep="\\n", end="")
"""


def test_importing_wherry_changes_no_library() -> None:
    """What a program that embeds a room has of `ssl`, say, is as it was."""
    names = [m.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for m in MODULES]
    command = [sys.executable, "-c", WATCH, *(n for n in names if not n.endswith("__main__"))]
    assert subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=True).stdout == ""


def test_the_wheel_has_the_rooms_and_no_test() -> None:
    find = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]
    assert all(pattern.split(".")[0].rstrip("*") == "wherry" for pattern in find["include"])
    assert not [m for m in MODULES if {"fake", "tests"} & set(Path(m).with_suffix("").parts)]
    assert not [m for m in MODULES if "tests" in imported(m)]


def test_licence_and_notice_go_into_the_wheel() -> None:
    """Those files are part of it by PEP 639; the notice names every file of data that comes from elsewhere."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    assert project["license"] == "Apache-2.0"
    assert set(project["license-files"]) == {"LICENSE", "NOTICE"}
    assert "Apache License" in (TOP / "LICENSE").read_text()
    for name in ("wherry/objects/schema.json", "wherry/objects/openapi/openapi_v2.json"):
        assert (TOP / name).exists()
        assert name in (TOP / "NOTICE").read_text()


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_has_a_readme_and_tests(room: str) -> None:
    assert (TOP / "wherry" / room / "README.md").read_text().startswith("# ")
    assert list((TOP / "tests" / room).rglob("test_*.py"))


def test_the_architectures_map_of_the_rooms_is_the_tree() -> None:
    """Each room is on it once, and whatever it names in a room (`pods/`, `kind.py`, `modes/<mode>/`) is there."""
    section = (TOP / "ARCHITECTURE.md").read_text().partition("## Rooms")[2].partition("\n## ")[0]
    shown = re.findall(r"(?:^    |  )(\w+)/  ", section, re.MULTILINE)
    assert sorted(shown) == ROOMS
    _, *parts = re.split(r"(?:^    |  )(\w+)/  ", section, flags=re.MULTILINE)
    missing = [
        f"{room}/{name}"
        for room, text in zip(parts[::2], parts[1::2], strict=True)
        for name in re.findall(r"[\w<>./]+(?:/(?=[\s,;):])|\.py)", text.partition("\n\n")[0])
        if not list((TOP / "wherry" / room).rglob(re.sub("<[a-z]+>", "*", name)))
    ]
    assert not missing


@pytest.mark.parametrize("readme", READMES)
def test_every_module_a_readme_names_is_there(readme: str) -> None:
    """Somewhere below its folder, or as it is seen from the top or from `wherry`."""
    path = TOP / readme
    named = {re.sub(r"<\w+>|NAME|GROUP", "*", n) for n in re.findall(r"`([\w<>*./-]+\.py)`", path.read_text())}
    assert not [
        name
        for name in named
        if not any(map(list, (path.parent.rglob(name), TOP.glob(name), (TOP / "wherry").glob(name))))
    ]


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


def test_clusters_of_different_test_files_have_different_addresses() -> None:
    """Files run at the same time, and so would their clusters' ports be taken."""
    users: dict[str, set[str]] = {}
    for path in (TOP / "tests").rglob("*.py"):
        text = path.read_text()
        if "mark.e2e" in text or "bind = " in text:
            for address in re.findall(r"\b127\.0\.0\.(?:[2-9]\d|[12]\d\d)\b", text):
                users.setdefault(address, set()).add(path.relative_to(TOP).as_posix())
    assert {address: sorted(files) for address, files in users.items() if len(files) > 1} == {}
