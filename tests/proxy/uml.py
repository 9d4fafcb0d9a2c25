"""A command inside user-mode Linux, whose kernel has IPVS where this machine's may have none."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

PROGRAM = "linux.uml"  # Debian package user-mode-linux
MODULES = Path("/usr/lib/uml/modules")
INIT = Path(__file__).with_name("uml.sh")
MEGABYTES = 768
LONGEST_SECONDS = 600


def inside(command: Sequence[str], folder: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run a command as root of a machine of its own, with this one's files; return its status and what it printed.

    `folder` gets an index of the kernel's modules.
    """
    (release,) = (path.name for path in MODULES.iterdir())
    shutil.copytree(MODULES / release, folder / "lib/modules" / release)
    subprocess.run(["depmod", "-b", folder, release], check=True)
    script = folder / "command"
    settings = "".join(f"export {name}='{value}'\n" for name, value in environment.items())
    script.write_text(f"#!/bin/bash\ncd {Path.cwd()}\n{settings}exec {' '.join(command)}\n")
    script.chmod(0o755)
    done = subprocess.run(
        [
            *(PROGRAM, f"mem={MEGABYTES}M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw", "quiet"),
            *("con=null", "con0=null,fd:1", f"init={INIT}", "--", str(folder), str(script)),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=LONGEST_SECONDS,
        check=False,
    )
    output = done.stdout
    status = [line.split()[1] for line in output.splitlines() if line.startswith("status ")]
    return (int(status[-1]) if status else -1), output + done.stderr
