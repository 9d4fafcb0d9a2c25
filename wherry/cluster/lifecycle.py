"""Up, down, and is it running: what the verbs call. Everything blocks; progress is told through a callback."""

from __future__ import annotations

import datetime
import errno
import os
import shutil
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec import structs

from wherry.apiserver.storage.interface import StorageError
from wherry.cluster import certificates, datadir, egress, files, kubeconfig, merged, sandbox, store
from wherry.cluster.config import SQLITE, ClusterConfig, ConfigError
from wherry.cluster.errors import CannotStart, ClusterError, NotTold
from wherry.cluster.paths import Paths
from wherry.cluster.snapshots import swap
from wherry.net.ipvs import Ipvs
from wherry.net.listening import listen
from wherry.node import cgroups
from wherry.objects.family import bracketed

Progress = Callable[[str], None]

STOP_SECONDS = 10.0
REQUIRED_PROGRAMS = {"nft": "nftables", "conmon": "conmon", "runc|crun": "crun"}
IMMUTABLE = ("node_cidr", "pod_cidr", "service_cidr", "cluster_domain", "store")


@dataclass(frozen=True, slots=True)
class Port:
    """A host-side listener: what it is for, its number, the option that moves it."""

    name: str
    number: int
    option: str


def up(config: ClusterConfig, paths: Paths, progress: Progress) -> list[str]:
    """Start the cluster and return when its addons answer; raises ClusterError or ConfigError.

    Of one that runs, what somebody has deleted of the addons is put back, and returned.
    """
    _check_machine(config)
    kubeconfig.check(kubeconfig.user_path())
    with datadir.prepared(config.name, paths), datadir.lock(paths, progress):
        started_here = sandbox.running(paths) is None
        if started_here:
            _start(config, paths, progress)
        elif ClusterConfig.load(paths.config) != config:
            raise ClusterError(
                f"cluster {config.name} is running with other options; `wherry down --name {config.name}` first"
            )
    try:
        _tell_kubeconfig(config, paths)
        progress("waiting for the API server")
        from wherry.cluster import waiting  # here, while the sandbox starts, which need not wait for it

        return waiting.wait(config, paths, progress, put_back=not started_here)
    except (CannotStart, NotTold):
        if started_here:
            down(config.name, paths, purge=False, progress=progress)
        raise


def _tell_kubeconfig(config: ClusterConfig, paths: Paths) -> None:
    """Put the cluster's context into the user's kubeconfig; raises `NotTold` with the reason."""
    user = kubeconfig.user_path()
    try:
        before = kubeconfig.merge(user, kubeconfig.build(config, paths, _server(config)))
        try:
            merged.add(paths, user, before)
        except OSError:
            kubeconfig.remove(user, config.name, before)  # who takes it out later would not know
            raise
    except OSError as error:
        raise NotTold(files.told(error)) from error


def down(name: str, paths: Paths, *, purge: bool, progress: Progress) -> None:
    """Stop the cluster if it runs, and leave nothing of it on the host but (without `purge`) its data."""
    places = {str(kubeconfig.user_path().absolute()): "", **merged.read(paths)}
    if paths.data.is_dir():
        with datadir.lock(paths, progress):
            pid = sandbox.running(paths)
            if pid is not None:
                progress("stopping")
                sandbox.stop(pid, grace_seconds=0.0 if purge else STOP_SECONDS)  # what is forgotten needs no tidying
            paths.init.unlink(missing_ok=True)
            cgroups.remove_tree(paths.cgroup)
    if purge:
        _forget_store(paths, progress)
        datadir.purge(name, paths)
    merged.take_out(name, places)


def _forget_store(paths: Paths, progress: Progress) -> None:
    """Have nothing left elsewhere either; an etcd that is gone for good keeps nobody from forgetting a cluster."""
    if not paths.config.exists():
        return
    try:
        store.purge(ClusterConfig.load(paths.config))
    except (ConfigError, StorageError) as error:
        progress(f"what is stored elsewhere than in {paths.data} stays: {error}")


def check_proxy_mode(mode: str) -> None:
    """Raise ClusterError for a mode that this machine's kernel has not."""
    if mode == "ipvs":
        try:
            Ipvs().close()
        except OSError:
            raise ClusterError(
                "proxy mode ipvs needs the kernel modules ip_vs and dummy, and ip_vs is not here: `modprobe ip_vs`, "
                "or use --proxy-mode nftables"
            ) from None


def remember_proxy_mode(paths: Paths, mode: str, progress: Progress) -> None:
    """Have the next `up` know the mode that a running cluster's proxies work by now; raises ClusterError."""
    with datadir.lock(paths, progress):
        try:
            structs.replace(ClusterConfig.load(paths.config), proxy_mode=mode).save(paths.config)
        except OSError as error:
            raise ClusterError(files.told(error)) from error


def _start(config: ClusterConfig, paths: Paths, progress: Progress) -> None:
    swap.finish(paths)
    _check_unchanged(config, paths)
    store.check(config)
    listeners = _listen(config)
    try:
        cgroups.remove_tree(paths.cgroup)  # left by a crash
        certificates.issue_all(
            paths.pki, config, datetime.datetime.now(datetime.UTC), lambda: progress("making certificates")
        )
        store.make_key(config, paths)
        config.save(paths.config)
        kubeconfig.write(config, paths)
        progress("starting the sandbox")
        sandbox.spawn(paths, listeners)
    except OSError as error:
        raise ClusterError(files.told(error)) from error
    finally:
        for listener in listeners.values():
            listener.close()


def _server(config: ClusterConfig) -> str:
    return f"https://{bracketed(config.bind)}:{config.api_port}"


def _check_machine(config: ClusterConfig) -> None:
    """Name what this machine lacks, all of it at once."""
    if os.geteuid() != 0:
        raise ClusterError("a cluster needs root for its namespaces, mounts and netfilter rules: run it with sudo")
    missing = [
        package
        for programs, package in REQUIRED_PROGRAMS.items()
        if not any(shutil.which(p, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") for p in programs.split("|"))
    ]
    if "ingress" in config.addons and not shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin"):
        missing += ["nginx", "libnginx-mod-http-lua"]
    if egress.wanted(config) and not egress.installed():
        missing.append(egress.PROGRAM)
    if missing:
        raise ClusterError(f"not installed: {', '.join(missing)}; `apt-get install {' '.join(missing)}`")
    check_proxy_mode(config.proxy_mode)


def _check_unchanged(config: ClusterConfig, paths: Paths) -> None:
    """A cluster's stored objects carry its address ranges: they cannot change under them."""
    if not paths.config.exists():
        return
    saved = ClusterConfig.load(paths.config)
    if saved.store == SQLITE and not paths.state.exists():
        return
    for name in IMMUTABLE:
        if getattr(saved, name) != getattr(config, name):
            option = "--" + name.replace("_", "-")
            raise ClusterError(
                f"{option} {getattr(config, name)}: cluster {config.name} was made with {getattr(saved, name)}; "
                f"`wherry down --name {config.name} --purge` forgets it"
            )


def _listen(config: ClusterConfig) -> dict[str, socket.socket]:
    """Open the host-side listeners before anything else happens, so that a taken port changes nothing."""
    ports = [
        Port("api", config.api_port, "--api-port"),
        Port("http", config.http_port, "--http-port"),
        Port("https", config.https_port, "--https-port"),
    ]
    opened: dict[str, socket.socket] = {}
    try:
        for port in ports:
            opened[port.name] = _bind(config.bind, port, ports)
    except ClusterError:
        for listener in opened.values():
            listener.close()
        raise
    return opened


def _bind(address: str, port: Port, ports: Sequence[Port]) -> socket.socket:
    try:
        return listen(address, port.number)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ClusterError(
                f"port {port.number} on {address} is taken; choose another with {port.option}{_elsewhere(ports)}"
            ) from error
        if error.errno == errno.EADDRNOTAVAIL:
            raise ClusterError(f"--bind {address}: this machine has no such address") from error
        reason = os.strerror(error.errno or 0).lower()
        raise ClusterError(f"cannot listen on {bracketed(address)}:{port.number} ({port.option}): {reason}") from error


def _elsewhere(ports: Sequence[Port]) -> str:
    """Return the advice to use another loopback address, where all ports are free now."""
    for number in range(2, 255):
        address = f"127.0.0.{number}"
        if all(_is_free(address, port.number) for port in ports):
            return f", or another loopback address for all of them with --bind {address}"
    return ""


def _is_free(address: str, port: int) -> bool:
    try:
        listen(address, port).close()
    except OSError:
        return False
    return True
