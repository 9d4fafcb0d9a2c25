"""Where the API server is and who we are: from kubeconfig files, or from the pod this process runs in.

Rules of merging and precedence: client-go `tools/clientcmd` (loader.go, client_config.go) and `rest.InClusterConfig`.
What we do not support (auth providers, exec plugins that want a terminal) is refused by name.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wherry.objects.family import bracketed

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class ConfigError(ValueError):
    """The kubeconfig cannot be used; the text says which file, entry and field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecPlugin:
    """A command that prints an ExecCredential (client.authentication.k8s.io)."""

    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    api_version: str = "client.authentication.k8s.io/v1"
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One server and one user.

    Certificates and keys are PEM. `token_file` wins over `token` and is read again whenever it changes.
    """

    server: str
    ca: bytes | None = None
    insecure: bool = False
    tls_server_name: str | None = None
    proxy_url: str | None = None
    client_certificate: bytes | None = None
    client_key: bytes | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    token_file: Path | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    exec_plugin: ExecPlugin | None = None
    impersonate_user: str | None = None
    impersonate_groups: tuple[str, ...] = ()
    namespace: str = "default"


def load(path: str | Path | None = None, context: str | None = None) -> Config:
    """Return the config of `context` (None: the current one); raises `ConfigError`.

    From the file `path`; else the files $KUBECONFIG lists; else the pod's own service account; else ~/.kube/config.
    client-go tries the last two the other way round, but the home folder in a pod of ours may be the host's.
    """
    if path is not None:
        if not Path(path).is_file():
            raise ConfigError(f"kubeconfig {path} does not exist")
        return select(_merge([Path(path)]), context)
    listed = [Path(p) for p in os.environ.get("KUBECONFIG", "").split(os.pathsep) if p]
    if not listed and context is None and os.environ.get("KUBERNETES_SERVICE_HOST"):
        return in_cluster()
    files = [p for p in listed or [Path("~/.kube/config").expanduser()] if p.is_file()]
    if not files:
        raise ConfigError("no kubeconfig: give one with --kubeconfig or $KUBECONFIG, or create ~/.kube/config")
    return select(_merge(files), context)


def component(path: str | Path | None = None, context: str | None = None) -> Config:
    """Return the config of a component: of the file `path`, else the pod's service account; raises `ConfigError`.

    Unlike `load` it looks nowhere else, as kube-proxy and ingress-nginx do: a component changes the machine it runs on,
    and the cluster somebody last used kubectl with is not its own for that.
    """
    if path is not None:
        return load(path, context)
    if context is not None:
        raise ConfigError("--context chooses in a kubeconfig: name the file with --kubeconfig, too")
    try:
        return in_cluster()
    except ConfigError as error:
        raise ConfigError(f"{error}; outside of one, name the cluster with --kubeconfig FILE") from error


def in_cluster(directory: Path = SERVICE_ACCOUNT, environ: Mapping[str, str] = os.environ) -> Config:
    """Return the config a pod is given; raises `ConfigError` outside of one."""
    host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT")
    if not host or not port:
        raise ConfigError("not in a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set")
    token, namespace = directory / "token", directory / "namespace"
    if not token.is_file():
        raise ConfigError(f"not in a cluster: {token} does not exist")
    return Config(
        server=f"https://{bracketed(host)}:{port}",
        ca=_read(directory / "ca.crt", "the cluster's CA"),
        token_file=token,
        namespace=namespace.read_text().strip() if namespace.is_file() else "default",
    )


def select(document: Mapping[str, Any], context: str | None = None) -> Config:
    """Return the config of one context of a kubeconfig document whose file names are absolute; raises `ConfigError`."""
    name = context or document.get("current-context")
    if not name:
        raise ConfigError("the kubeconfig has no current-context: choose one with --context")
    chosen = _entry(document, "contexts", "context", name)
    cluster = _entry(document, "clusters", "cluster", chosen.get("cluster"))
    user = _entry(document, "users", "user", chosen["user"]) if chosen.get("user") else {}
    if not cluster.get("server"):
        raise ConfigError(f'cluster "{chosen.get("cluster")}" has no server')
    if provider := user.get("auth-provider"):
        raise ConfigError(f'user "{chosen["user"]}": auth-provider "{provider.get("name")}" is not supported')
    certificate = _data(user, "client-certificate")
    key = _data(user, "client-key")
    if bool(certificate) != bool(key):
        raise ConfigError(f'user "{chosen["user"]}" needs both client-certificate and client-key')
    return Config(
        server=str(cluster["server"]).rstrip("/"),
        ca=_data(cluster, "certificate-authority"),
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
        tls_server_name=cluster.get("tls-server-name"),
        proxy_url=cluster.get("proxy-url"),
        client_certificate=certificate,
        client_key=key,
        token=user.get("token"),
        token_file=Path(user["tokenFile"]) if user.get("tokenFile") else None,
        username=user.get("username"),
        password=user.get("password"),
        exec_plugin=_exec_plugin(chosen["user"], user["exec"]) if user.get("exec") else None,
        impersonate_user=user.get("as"),
        impersonate_groups=tuple(user.get("as-groups") or ()),
        namespace=chosen.get("namespace") or "default",
    )


def _exec_plugin(user: str, spec: Mapping[str, Any]) -> ExecPlugin:
    if not spec.get("command"):
        raise ConfigError(f'user "{user}": exec has no command')
    if spec.get("interactiveMode") == "Always":
        raise ConfigError(f'user "{user}": exec plugin "{spec["command"]}" wants a terminal, which is not supported')
    return ExecPlugin(
        command=str(spec["command"]),
        args=tuple(spec.get("args") or ()),
        env={e["name"]: e["value"] for e in spec.get("env") or ()},
        api_version=str(spec.get("apiVersion") or "client.authentication.k8s.io/v1"),
        hint=str(spec.get("installHint") or ""),
    )


_FILES = {
    "clusters": ("cluster", ("certificate-authority",)),
    "users": ("user", ("client-certificate", "client-key", "tokenFile")),
}


def _merge(files: list[Path]) -> dict[str, Any]:
    """Return one document: of entries with the same name, and of current-context, the first file's wins."""
    merged: dict[str, Any] = {"contexts": [], "clusters": [], "users": []}
    for file in files:
        document = _parse(file)
        if not merged.get("current-context"):
            merged["current-context"] = document.get("current-context")
        for section in ("contexts", "clusters", "users"):
            merged[section] += document.get(section) or []
    return merged


def _parse(file: Path) -> dict[str, Any]:
    """Return a file's document, its file names made absolute: they are relative to the file's own folder."""
    import yaml  # here, since a pod has no kubeconfig to read

    try:
        document = yaml.safe_load(file.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"kubeconfig {file}: {reason}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError(f"kubeconfig {file}: expected a mapping")
    for section, (inner, fields) in _FILES.items():
        for entry in document.get(section) or ():
            values = entry.get(inner) or {}
            for name in fields:
                if values.get(name):
                    values[name] = str(file.absolute().parent / values[name])
    return document


def _entry(document: Mapping[str, Any], section: str, inner: str, name: str | None) -> dict[str, Any]:
    for entry in document.get(section) or ():
        if entry.get("name") == name:
            return entry.get(inner) or {}
    raise ConfigError(f'the kubeconfig has no {inner} "{name}"')


def _data(values: Mapping[str, Any], name: str) -> bytes | None:
    """Return what `name`-data holds, or the file `name` points to; inline data wins."""
    if inline := values.get(f"{name}-data"):
        try:
            return base64.b64decode(inline, validate=True)
        except (binascii.Error, ValueError) as error:
            raise ConfigError(f"{name}-data is not base64: {error}") from error
    return _read(Path(values[name]), name) if values.get(name) else None


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {what}: {error}") from error
