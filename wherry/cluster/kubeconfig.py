"""A cluster's kubeconfig: written, merged into the user's own, taken out again (`wherry-NAME` in all three lists)."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from wherry.cluster import files
from wherry.cluster.config import ClusterConfig
from wherry.cluster.paths import Paths
from wherry.objects.family import bracketed

LISTS = ("clusters", "users", "contexts")


class KubeconfigError(OSError):
    """The user's kubeconfig cannot be read or written, or is not one; it is left as it is."""


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
    _save(paths.kubeconfig, build(config, paths, f"https://{bracketed(config.bind)}:{config.api_port}"))
    _save(paths.admin_conf, build(config, paths, f"https://{bracketed(config.control_plane.address)}:6443"))


def user_path() -> Path:
    """The file kubectl would write: the first of $KUBECONFIG, or ~/.kube/config. Raises KubeconfigError."""
    listed = [p for p in os.environ.get("KUBECONFIG", "").split(":") if p]
    try:
        return Path(listed[0]) if listed else Path.home() / ".kube" / "config"
    except RuntimeError as error:
        raise KubeconfigError("there is no home directory: set KUBECONFIG to a file, or HOME") from error


def check(path: Path) -> None:
    """Raise KubeconfigError when `merge` would fail on this file: told before a cluster is started, not after."""
    _load(path)
    try:
        folder = next(p for p in files.real(path).parents if p.exists())
        with tempfile.TemporaryFile(dir=folder):
            pass
        if path.exists():
            path.open("ab").close()  # as the owner of a read-only or immutable file wants it
    except OSError as error:
        raise _unusable(path, error) from error


def contexts(path: Path) -> list[str]:
    """Return the names of a kubeconfig's contexts; raises KubeconfigError."""
    return [str(entry.get("name")) for entry in _load(path).get("contexts") or []]


def merge(path: Path, ours: dict[str, Any]) -> str:
    """Put our entries into the kubeconfig at `path` and make our context current; the rest stays as it was.

    Returns the context that was current.
    """
    with _alone(path):
        theirs = _load(path)
        for key in LISTS:
            name = ours[key][0]["name"]
            others = [e for e in theirs.get(key) or [] if e.get("name") != name]
            theirs[key] = [*others, *ours[key]]
        before = str(theirs.get("current-context") or "")
        theirs["current-context"] = ours["current-context"]
        _save(path, {"apiVersion": "v1", "kind": "Config", **theirs})
    return before


def remove(path: Path, cluster: str, before: str = "") -> None:
    """Take our entries out of the kubeconfig at `path`; if our context was current, `before` is, or none."""
    if not _exists(path):
        return
    with _alone(path):
        theirs = _load(path)
        name = entry_name(cluster)
        if not any(e.get("name") == name for key in LISTS for e in theirs.get(key) or []):
            return
        for key in LISTS:
            theirs[key] = [e for e in theirs.get(key) or [] if e.get("name") != name]
        if theirs.get("current-context") == name:
            others = [e.get("name") for e in theirs["contexts"]]
            theirs["current-context"] = before if before in others else ""
        _save(path, theirs)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other `wherry up` and `wherry down` from the file: each reads what the one before wrote."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: OSError) -> KubeconfigError:
    reason = (error.strerror or str(error)).lower()
    return KubeconfigError(f"kubeconfig {path} cannot be used ({reason}): set KUBECONFIG to another file")


def _load(path: Path) -> dict[str, Any]:
    if not _exists(path):
        return {}
    if not path.is_file():  # replacing /dev/null would be remembered
        raise KubeconfigError(f"kubeconfig {path} is no regular file: set KUBECONFIG to one")
    try:
        loaded = yaml.safe_load(path.read_text() or "{}")
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise KubeconfigError(f"{path} is not YAML ({reason}): mend it, or set KUBECONFIG to another file") from error
    except OSError as error:
        raise _unusable(path, error) from error
    loaded = {} if loaded is None else loaded
    if not isinstance(loaded, dict) or not all(_is_list(loaded.get(key)) for key in LISTS):
        raise KubeconfigError(f"{path} is not a kubeconfig: mend it, or set KUBECONFIG to another file")
    return loaded


def _is_list(entries: object) -> bool:
    """Tell whether one of a kubeconfig's lists is one, of objects."""
    return entries is None or (isinstance(entries, list) and all(isinstance(e, dict) for e in entries))


def _save(path: Path, content: dict[str, Any]) -> None:
    """Replace the file whole, readable by its owner only."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.replace(path, yaml.safe_dump(content, sort_keys=False, allow_unicode=True).encode())
    except OSError as error:
        raise _unusable(path, error) from error
