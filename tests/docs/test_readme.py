"""Every example in README.md is what it says: maps and Corefiles parse, options exist, the tour runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from wherry.apiserver.unserved import UNSERVED
from wherry.cli.main import VERBS, main
from wherry.dns import chain
from wherry.dns.corefile import parse
from wherry.dns.order import ORDER
from wherry.node.images import imagemap

TOP = Path(__file__).resolve().parents[2]
README = (TOP / "README.md").read_text()
BIND = "127.0.0.86"
TOUR_SECONDS = 300


def blocks(info: str) -> list[str]:
    """Return the fenced blocks with an info string."""
    return re.findall(rf"^```{re.escape(info)}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def the_block(info: str) -> str:
    [found] = blocks(info)
    return found


def command_lines() -> list[str]:
    """Return every `wherry …` there is in a block or between backticks, without comments."""
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    text = "\n".join([*blocks, *re.findall(r"^ {4}(.*)", README, re.MULTILINE)])
    return [*re.findall(r"^(wherry [^\n#]*)", text, re.MULTILINE), *re.findall(r"`(wherry [^`\n]*)`", README)]


def options_of(words: list[str]) -> set[str]:
    """Return the options that the verb (and its own verb, if it has one) takes."""
    if words[0].startswith("-"):
        return {option for param in main.params for option in param.opts} | {"--help"}
    command = import_module(f"wherry.cli.{words[0]}").command
    known = {option for param in command.params for option in param.opts}
    if isinstance(command, click.Group):
        for word in words[1:]:
            if word in command.commands:
                known |= {option for param in command.commands[word].params for option in param.opts}
    return known | {"--help"}


def test_the_image_map_is_the_examples_and_names_every_field_there_is() -> None:
    text = the_block("yaml image-map")
    shipped = TOP / "examples" / "hello" / "images.yaml"
    assert shipped.read_text().endswith(text)
    [entry] = imagemap.load(shipped)
    assert all(getattr(entry, field) not in ("", (), {}) for field in entry.__struct_fields__)
    for field in ("workingDir", "stopSignal", "readOnly"):
        assert field in text


@pytest.mark.parametrize("place", ["{python}", "{package}", "{folder}"])
def test_the_places_an_image_map_can_name_are_filled_in(place: str, tmp_path: Path) -> None:
    assert f"`{place}`" in README
    image = imagemap.resolve("x", imagemap.MapEntry(match="*", args=(place,)), tmp_path)
    assert place not in image.args[0]


def test_the_names_that_need_no_map_are_the_built_in_ones() -> None:
    sentence = re.search(r"Without any map, the names (.*?) stand for", README, re.DOTALL)
    assert sentence is not None
    firsts = [entry.patterns[0] for entry in imagemap.load(imagemap.BUILTIN)]
    entries = [first for first in firsts if "/" not in first]
    assert re.findall(r"`([a-z]+)`", sentence[1]) == entries


def test_the_corefile_is_one_our_dns_takes() -> None:
    for block in parse(the_block("corefile"), {}):
        chain.check(block)


def test_every_plugin_the_corefile_shows_is_explained_in_the_rooms_readme() -> None:
    shown = {directive.name for block in parse(the_block("corefile"), {}) for directive in block.directives}
    assert shown <= set(ORDER)
    room = (TOP / "wherry/dns/README.md").read_text()
    assert all(f"plugins/{name}/README.md" in room for name in shown)


@pytest.mark.parametrize("line", sorted(set(command_lines())))
def test_every_verb_and_option_in_the_text_exists(line: str) -> None:
    words = line.split(" -- ")[0].split()[1:]
    if words and words[0] == "VERB":
        words[0] = "up"
    assert not words or words[0] in VERBS or words[0].startswith("-"), line
    given = {word.partition("=")[0] for word in words if re.fullmatch(r"--?[a-z][-a-z]*(=.*)?", word)}
    if words:
        assert given - {"-n"} <= options_of(words), line


def test_the_rule_renders_to_the_server_it_names(tmp_path: Path) -> None:
    rule = tmp_path / "rule.yaml"
    rule.write_text(the_block("yaml ingress"))
    result = CliRunner().invoke(main, ["ingress", "render", "--file", str(rule)])
    assert result.exit_code == 0, result.output
    assert 'server_name "hello.test"' in result.output or "server_name hello.test" in result.output
    assert "default/hello" in result.output


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`?((?:wherry|examples|scripts)/[\w./-]*\w)`?", README))))
def test_every_path_in_the_text_exists(path: str) -> None:
    assert (TOP / path).exists()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder where the tour's relative paths lead somewhere, and what the tour leaves is removed."""
    (tmp_path / "examples").symlink_to(TOP / "examples")
    (tmp_path / ".venv").symlink_to(TOP / ".venv")
    tmp_path.chmod(0o755)
    yield tmp_path
    down = [sys.executable, "-m", "wherry", "down", "--name", "readme", "--purge"]
    subprocess.run(down, env=environment(tmp_path), check=True, timeout=60)


def environment(place: Path) -> dict[str, str]:
    return {**os.environ, "XDG_DATA_HOME": str(place / "data"), "KUBECONFIG": str(place / "kubeconfig")}


def script() -> str:
    """Return the tour as one script, for a cluster of its own name and address."""
    text = "".join(blocks("sh tour")).replace("127.0.0.1:", f"{BIND}:")
    verbs = r"up|down|status|shell|logs|kubeconfig|trace|proxy set-mode|(?:image|snapshot|node|top) \w+"
    text = re.sub(rf"\bwherry ({verbs})\b", r"wherry \1 --name readme", text)
    text = text.replace("wherry up --name readme", f"wherry up --name readme --bind {BIND}")
    return "set -euo pipefail\n" + "".join(f"echo '$' {line!r}\n{line}\n" for line in text.splitlines())


@pytest.mark.e2e
def test_the_tour_runs_as_written(place: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", script()],
        cwd=place,
        env=environment(place),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TOUR_SECONDS,
    )
    assert done.returncode == 0, done.stdout
    reached = done.stdout.partition("cluster IP, from a node")[2].partition("get endpointslices")[0]
    assert reached.count("\nahoy\n") == 5, reached
    assert 'server_name "hello.test"' in done.stdout or "server_name hello.test" in done.stdout
    assert "我的博客列表" in done.stdout.rpartition("curl")[2]


def test_the_kinds_called_unsupported_are_those_that_are_not_served() -> None:
    named = re.search(r"^- \*\*Kinds:\*\*(.*?)`wherry/apiserver/unserved", README, re.MULTILINE | re.DOTALL)
    assert named is not None
    assert set(re.findall(r"\b[A-Z]\w+\b", named[1])) == {resource.kind for resource in UNSERVED}
