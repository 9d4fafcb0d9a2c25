"""A node with one pod whose containers are this machine: `exec` runs a local command."""

import os
import stat
import sys
from pathlib import Path

from wherry.node.runtime.interface import ContainerHandle
from wherry.objects import Object
from wherry.objects.errors import BadRequest, NotFound

PROGRAM = """#!{python} -IS
import json, os, shutil, sys
arguments = sys.argv[1:]
def option(name):
    return arguments[arguments.index(name) + 1]
with open(option("--process")) as file:
    command = json.load(file)["args"]
if shutil.which(command[0]) is None:
    with open(option("--log"), "w") as log:
        log.write('{{"msg":"exec failed: exec: \\\\"%s\\\\": executable file not found in $PATH"}}' % command[0])
    print("exec failed", file=sys.stderr)
    sys.exit(255)
if os.getpid() != os.getsid(0):
    os.setsid()
with open(option("--pid-file"), "w") as file:
    file.write(str(os.getpid()))
os.execvp(command[0], command)
"""

POD: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "demo", "uid": "u1", "resourceVersion": "1"},
    "spec": {"containers": [{"name": "main", "image": "x", "stdin": True, "tty": False}], "nodeName": "n1"},
    "status": {
        "phase": "Running",
        "containerStatuses": [{"name": "main", "ready": True, "restartCount": 0, "state": {"running": {}}}],
    },
}


class LocalRuntime:
    """See `ContainerRuntime`. `pid` 0 makes the container one that does not run."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.pid = os.getpid()
        self.log_path = folder / "logs" / "0.log"
        self.previous: Path | None = None
        self.log_path.parent.mkdir()
        (folder / "config.json").write_text('{"process": {"args": ["sleep", "1"], "env": ["PATH=/usr/bin:/bin"]}}')
        self._binary = folder / "runtime"
        self._binary.write_text(PROGRAM.format(python=sys.executable))
        self._binary.chmod(self._binary.stat().st_mode | stat.S_IXUSR)

    def pods(self) -> list[Object]:
        return [POD]

    def network_namespace(self, namespace: str, pod: str) -> Path | None:
        if (namespace, pod) != ("demo", "web"):
            raise NotFound.of("pods", pod)
        return None

    def find(self, namespace: str, pod: str, container: str = "") -> ContainerHandle:
        self.network_namespace(namespace, pod)
        if container not in ("", "main"):
            raise BadRequest(f"container {container} is not valid for pod {pod}")
        return ContainerHandle(
            id="c0ffee",
            namespace=namespace,
            pod=pod,
            container="main",
            binary=self._binary,
            root=self.folder,
            bundle=self.folder,
            pid=self.pid,
            tty=False,
            stdin=True,
            log_path=self.log_path,
            previous_log_path=self.previous,
            attach_socket=self.folder / "attach",
            network_namespace=None,
        )
