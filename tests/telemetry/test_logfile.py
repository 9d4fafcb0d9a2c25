"""A component's log is put aside while the component runs, and nothing of it is lost."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wherry.telemetry import logfile

PROGRAM = """
    import logging, os, sys
    from pathlib import Path
    from wherry.telemetry import log, logfile

    logfile.FULL_BYTES = 10_000
    logfile.redirect(Path(sys.argv[1]))
    log.setup("test")
    sys.stdin.readline()
    for number in range(int(sys.argv[2])):
        logging.getLogger("x").info("line %06d of many", number)
    os.write(2, b"printed, not logged\\n")
"""


def started(path: Path, lines: int) -> subprocess.Popen[str]:
    program = [sys.executable, "-c", textwrap.dedent(PROGRAM), str(path), str(lines)]
    return subprocess.Popen(program, stdin=subprocess.PIPE, text=True)


def run(path: Path, lines: int) -> None:
    with started(path, lines) as process:
        process.communicate("go\n", timeout=30)
    assert process.returncode == 0


def numbers(text: str) -> list[int]:
    return [int(line.split(" line ")[1].split()[0]) for line in text.splitlines() if " line " in line]


def test_a_log_stays_small_however_much_is_logged(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "test.log"
    run(path, 5000)
    files = logfile.files(path)
    assert [file.name for file in files] == ["test.log.2", "test.log.1", "test.log"]
    assert all(file.stat().st_size < 10_100 for file in files)
    assert sorted(p.name for p in path.parent.iterdir()) == ["test.log", "test.log.1", "test.log.2"]
    kept = numbers("".join(file.read_text() for file in files))
    assert kept == list(range(kept[0], 5000))  # without a gap
    assert path.read_text().endswith("printed, not logged\n")


def test_a_log_that_is_not_full_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "test.log"
    run(path, 10)
    run(path, 10)
    assert numbers(path.read_text()) == [*range(10)] * 2


@contextmanager
def following(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Follow a log as `wherry logs -f` does."""
    command = ["tail", "-n", "+1", "-F", "--sleep-interval=0.05", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as tail:
        yield tail
        tail.kill()


def test_who_follows_a_log_by_its_name_goes_on_over_the_rotation(tmp_path: Path) -> None:
    path = tmp_path / "test.log"
    path.write_text("begun\n")
    with following(path) as tail:
        assert tail.stdout is not None
        assert tail.stdout.readline() == "begun\n"
        run(path, 230)  # about one and a half files
        seen: list[int] = []
        while len(seen) < 230:
            seen += numbers(tail.stdout.readline())
    assert seen == list(range(230))
    assert len(logfile.files(path)) == 2
