"""The table of verbs, and how errors look from outside."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import click
import pytest
from click.testing import CliRunner

from wherry.cli import main as entry
from wherry.cli.failure import Failure

RUNNER = CliRunner()


def test_help_lists_every_verb_and_imports_none_of_them() -> None:
    code = (
        "import sys; from wherry.cli.main import main; main(['--help'], standalone_mode=False);"
        "print([m for m in sys.modules if m.startswith('wherry.') and m not in "
        "('wherry.cli', 'wherry.cli.main', 'wherry.cli.failure')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(f"  {verb} " in done.stdout for verb in entry.VERBS)
    assert done.stdout.endswith("[]\n")


@pytest.mark.parametrize("verb", entry.VERBS)
def test_every_verb_has_help_that_begins_with_a_sentence(verb: str) -> None:
    result = RUNNER.invoke(entry.main, [verb, "--help"])
    assert result.exit_code == 0, result.output
    command = import_module(f"wherry.cli.{verb}").command
    assert command.help
    assert command.help.splitlines()[0][0].isupper()
    undocumented = [p.name for p in command.params if isinstance(p, click.Option) and not (p.help or p.hidden)]
    assert undocumented == [name for name in undocumented if name in ("log_format", "log_level")]


def test_an_unknown_verb_is_named() -> None:
    result = RUNNER.invoke(entry.main, ["upp"])
    assert (result.exit_code, "No such command 'upp'" in result.output) == (2, True)


def test_what_is_closed_to_an_ordinary_user_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def closed() -> None:
        raise PermissionError(13, "Permission denied", "/root/secret")

    monkeypatch.setattr(entry.LazyGroup, "get_command", lambda *_: closed)
    result = RUNNER.invoke(entry.main, ["status"])
    assert result.exit_code == 1
    assert result.output == "wherry: /root/secret: permission denied; a cluster is root's: use sudo\n"


def test_a_failure_is_one_line_and_exit_code_one() -> None:
    @click.command()
    def failing() -> None:
        raise Failure("the reason; the way out")

    result = RUNNER.invoke(failing)
    assert (result.exit_code, result.output) == (1, "wherry: the reason; the way out\n")
