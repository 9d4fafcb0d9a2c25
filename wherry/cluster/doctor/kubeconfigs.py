"""The cluster's own kubeconfig, and the user's."""

from __future__ import annotations

from collections.abc import Iterator

from wherry.client import kubeconfig as client
from wherry.cluster import kubeconfig
from wherry.cluster.config import ClusterConfig
from wherry.cluster.doctor.finding import Finding
from wherry.cluster.paths import Paths


def examine(name: str, paths: Paths, config: ClusterConfig | None) -> Iterator[Finding]:
    """Yield what is found of both."""
    if paths.pki.is_dir():
        yield _own(paths, config)
    subject = "your kubeconfig"
    try:
        path = kubeconfig.user_path()
        kubeconfig.check(path)
        names = kubeconfig.contexts(path)
    except kubeconfig.KubeconfigError as error:
        yield Finding(subject, str(error))
        return
    entry = kubeconfig.entry_name(name)
    said = (
        f"{path} has context {entry}" if entry in names else f"{path} has no context {entry}: `wherry up` puts it there"
    )
    yield Finding(subject, said=said)


def _own(paths: Paths, config: ClusterConfig | None) -> Finding:
    subject, again = f"kubeconfig {paths.kubeconfig}", "`wherry down` and `wherry up` write it anew"
    try:
        loaded = client.load(paths.kubeconfig)
    except client.ConfigError as error:
        return Finding(subject, str(error), again)
    if config is not None and loaded.server != (server := f"https://{config.bind}:{config.api_port}"):
        return Finding(subject, f"it leads to {loaded.server}, and the cluster is {server}", again)
    return Finding(subject, said="good")
