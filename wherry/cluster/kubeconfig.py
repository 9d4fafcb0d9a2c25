"""A cluster's kubeconfig: written, merged into the user's own, taken out again (`wherry-NAME` in all three lists)."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import yaml

from wherry.cluster.config import ClusterConfig
from wherry.cluster.paths import Paths

LISTS = ("clusters", "users", "contexts")


class KubeconfigError(OSError):
    """The user's kubeconfig cannot be read or is not one; it is left as it is."""


def entry_name(cluster: str) -> str:
    """The name of a cluster's context, cluster and user."""
    return f"wherry-{cluster}"


def build(config: ClusterConfig, paths: Paths, server: str) -> dict[str, Any]:
    """Return a whole kubeconfig for the cluster's admin, its files inlined, for the API at `server`."""
    name = entry_name(config.name)

    def inline(file: str) -> str:
        return base64.b64encode((paths.pki / file).read_bytes()).decode()

    cluster = {"server": server, "certificate-authority-data": inline("ca.crt")}
    user = {"client-certificate-data": inline("admin.crt"), "client-key-data": inline("admin.key")}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }


def write(config: ClusterConfig, paths: Paths) -> None:
    """Write the two kubeconfigs of the data directory: one for the host, one for inside the nodes."""
    _save(paths.kubeconfig, build(config, paths, f"https://{config.bind}:{config.api_port}"))
    _save(paths.admin_conf, build(config, paths, f"https://{config.control_plane.address}:6443"))


def user_path() -> Path:
    """The file kubectl would write: the first of $KUBECONFIG, or ~/.kube/config."""
    listed = [p for p in os.environ.get("KUBECONFIG", "").split(":") if p]
    return Path(listed[0]) if listed else Path.home() / ".kube" / "config"


def check(path: Path) -> None:
    """Raise KubeconfigError when `merge` would fail on this file: told before a cluster is started, not after."""
    _load(path)
    folder = next(p for p in path.resolve().parents if p.exists())
    if not os.access(folder, os.W_OK):
        raise KubeconfigError(f"{folder} cannot be written to: set KUBECONFIG to a file elsewhere")


def merge(path: Path, ours: dict[str, Any]) -> None:
    """Put our entries into the kubeconfig at `path` and make our context current; the rest stays as it was."""
    theirs = _load(path)
    for key in LISTS:
        name = ours[key][0]["name"]
        others = [e for e in theirs.get(key) or [] if e.get("name") != name]
        theirs[key] = [*others, *ours[key]]
    theirs["current-context"] = ours["current-context"]
    _save(path, {"apiVersion": "v1", "kind": "Config", **theirs})


def remove(path: Path, cluster: str) -> None:
    """Take our entries out of the kubeconfig at `path`; if our context was current, none is."""
    if not path.exists():
        return
    theirs = _load(path)
    name = entry_name(cluster)
    if not any(e.get("name") == name for key in LISTS for e in theirs.get(key) or []):
        return
    for key in LISTS:
        theirs[key] = [e for e in theirs.get(key) or [] if e.get("name") != name]
    if theirs.get("current-context") == name:
        theirs["current-context"] = ""
    _save(path, theirs)


def _load(path: Path) -> dict[str, Any]:
    if not path.exists() or not path.read_text().strip():
        return {}
    try:
        loaded = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise KubeconfigError(f"{path} is not YAML ({reason}): mend it, or set KUBECONFIG to another file") from error
    if not isinstance(loaded, dict):
        raise KubeconfigError(f"{path} is not a kubeconfig: mend it, or set KUBECONFIG to another file")
    return loaded


def _save(path: Path, content: dict[str, Any]) -> None:
    """Replace the file whole, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        yaml.safe_dump(content, file, sort_keys=False)
    temporary.replace(path.resolve())
