"""conmon's command line, its answers, the ends it tells of."""

from __future__ import annotations

from pathlib import Path

import pytest

from wherry.node.runtime import conmon
from wherry.node.runtime.conmon import CreateError, Exit, Launch


def launch(folder: Path = Path("/b"), **fields: bool) -> Launch:
    return Launch("a" * 64, folder, Path("/log"), Path("/run/attach"), **fields)


def test_the_attach_socket_has_a_path_short_enough_for_a_socket():
    assert launch().attach_socket == Path("/run/attach/aaaaaaaaaaaa/attach")


def test_a_terminal_and_stdin_are_asked_for_only_where_wanted():
    plain = conmon.command(launch(), Path("/conmon"), Path("/runc"), ["--root", "/r"])
    assert "-t" not in plain
    assert "-i" not in plain
    both = conmon.command(launch(terminal=True, stdin=True), Path("/conmon"), Path("/runc"), [])
    assert {"-t", "-i", "--leave-stdin-open"} <= set(both)


def test_the_runtimes_message_is_freed_of_its_wrapping():
    wrapped = r'time="2026-01-01T00:00:00Z" level=error msg="runc create failed: exec: \"/x\": stat /x"' + "\n"
    assert conmon.plain(wrapped) == 'runc create failed: exec: "/x": stat /x'
    assert conmon.plain("plain words\n") == "plain words"


async def test_a_conmon_that_says_nothing_has_failed(tmp_path: Path):
    with pytest.raises(CreateError, match="without creating"):
        await conmon.create(launch(tmp_path), Path("/bin/true"), Path("/bin/true"), [])


async def test_a_conmon_that_is_not_there_has_failed(tmp_path: Path):
    with pytest.raises(CreateError, match="cannot run conmon"):
        await conmon.create(launch(tmp_path), Path("/no/conmon"), Path("/bin/true"), [])


def test_an_end_is_told_by_files(tmp_path: Path):
    (tmp_path / "exit").write_text("137")
    (tmp_path / "oom").touch()
    found = conmon.read_exit(tmp_path, 5.0)
    assert (found.code, found.out_of_memory, found.lost) == (137, True, False)


def test_without_its_file_the_end_is_lost(tmp_path: Path):
    assert conmon.read_exit(tmp_path, 5.0) == Exit(conmon.LOST_EXIT_CODE, 5.0, lost=True)


def test_a_pid_that_is_now_another_processs_is_not_taken_for_conmon(tmp_path: Path):
    (tmp_path / "conmon.pid").write_text("1")
    assert conmon.open_process(tmp_path, "a" * 64) is None
