"""What a cluster is made of, as the user asked for it; kept as `cluster.json` in the data directory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import msgspec

from wherry.cluster import files
from wherry.node.images import imagemap

ADDONS = ("dns", "ingress")
DEFAULT_NAMES = ("k8s-master", "k8s-slave1", "k8s-slave2")
FIRST_HOST = 209  # the article's k8s-master is 192.168.51.209, and the others count on from there
NODE_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class ConfigError(ValueError):
    """The cluster asked for cannot be; the message says which option and why."""


class Node(msgspec.Struct, frozen=True):
    """One node: its name, its LAN address and the range its pods get theirs from."""

    name: str
    address: str
    pod_cidr: str


class ClusterConfig(msgspec.Struct, frozen=True):
    """A whole cluster. Addresses are IPv4 text; ports are on the host's `bind` address."""

    name: str
    nodes: tuple[Node, ...]
    node_cidr: str = "192.168.51.0/24"
    pod_cidr: str = "10.244.0.0/16"
    service_cidr: str = "10.96.0.0/12"
    proxy_mode: str = "nftables"
    addons: tuple[str, ...] = ADDONS
    image_map: str | None = None
    bind: str = "127.0.0.1"
    api_port: int = 6443
    http_port: int = 8080
    https_port: int = 8443
    cluster_domain: str = "cluster.local"

    @property
    def lan_gateway(self) -> str:
        """The host side of the LAN: its first address."""
        return str(IPv4Network(self.node_cidr)[1])

    @property
    def dns_address(self) -> str:
        """The cluster IP of kube-dns: the tenth of the service range, as kubeadm has it."""
        return str(IPv4Network(self.service_cidr)[10])

    @property
    def kubernetes_address(self) -> str:
        """The cluster IP of the `kubernetes` Service: the first of the service range."""
        return str(IPv4Network(self.service_cidr)[1])

    @property
    def control_plane(self) -> Node:
        """The node the API server runs on: the first."""
        return self.nodes[0]

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        files.replace(path, msgspec.json.format(msgspec.json.encode(self)), 0o644)

    @staticmethod
    def load(path: Path) -> ClusterConfig:
        """Read it back; raises ConfigError when the file is damaged."""
        forget = f"`wherry down --name {path.parent.name} --purge` forgets the cluster"
        try:
            return msgspec.json.decode(path.read_bytes(), type=ClusterConfig)
        except msgspec.DecodeError as error:
            raise ConfigError(f"{path} is damaged ({error}): put it right, or {forget}") from error
        except OSError as error:
            raise ConfigError(f"{files.told(error)}; {forget}") from error


def network(option: str, text: str) -> IPv4Network:
    """Parse a CIDR given to `option`."""
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise ConfigError(f"{option} {text}: {error}") from error


def plan_nodes(spec: str, node_cidr: str, pod_cidr: str) -> tuple[Node, ...]:
    """Turn `--nodes` ("3", or "NAME[=IP],…") into nodes with LAN addresses and a /24 of the pod range each."""
    lan = network("--node-cidr", node_cidr)
    pods = network("--pod-cidr", pod_cidr)
    if spec.isdigit():
        named = _default_names(int(spec))
    else:
        named = [(n.strip(), ip.strip()) for n, _, ip in (part.partition("=") for part in spec.split(","))]
    if not named:
        raise ConfigError("--nodes: a cluster needs at least one node")
    addresses = _addresses(named, lan)
    ranges = _pod_ranges(pods, len(named))
    return tuple(Node(name, addresses[name], str(cidr)) for (name, _), cidr in zip(named, ranges, strict=True))


def _default_names(count: int) -> list[tuple[str, str]]:
    master = DEFAULT_NAMES[0]
    return [(master if i == 0 else f"k8s-slave{i}", "") for i in range(count)]


def _addresses(named: Sequence[tuple[str, str]], lan: IPv4Network) -> dict[str, str]:
    free = iter([*list(lan.hosts())[FIRST_HOST - 1 :], *list(lan.hosts())[1 : FIRST_HOST - 1]])
    taken = {ip for _, ip in named if ip}
    result: dict[str, str] = {}
    for name, ip in named:
        if not NODE_NAME.fullmatch(name):
            raise ConfigError(f"--nodes: {name!r} is not a node name (lower-case letters, digits and '-')")
        if name in result:
            raise ConfigError(f"--nodes: {name} is named twice")
        address = ip or next((str(a) for a in free if str(a) not in taken), "")
        if not address:
            raise ConfigError(f"--nodes: {lan} has no address left for {name}")
        result[name] = _inside(name, address, lan)
    if len(set(result.values())) != len(result):
        raise ConfigError("--nodes: two nodes have the same address")
    return result


def _inside(name: str, address: str, lan: IPv4Network) -> str:
    try:
        parsed = IPv4Address(address)
    except ValueError as error:
        raise ConfigError(f"--nodes: {name}={address}: {error}") from error
    if parsed not in lan or parsed in (lan[0], lan[1], lan[-1]):
        raise ConfigError(f"--nodes: {name}={address} must be in --node-cidr {lan}, and not {lan[1]}, the host's side")
    return address


def _pod_ranges(pods: IPv4Network, count: int) -> list[IPv4Network]:
    if pods.prefixlen > 24:
        raise ConfigError(f"--pod-cidr {pods}: must hold a /24 for each node")
    ranges = pods.subnets(new_prefix=24)
    result = [cidr for cidr, _ in zip(ranges, range(count), strict=False)]
    if len(result) < count:
        raise ConfigError(f"--pod-cidr {pods} holds {len(result)} /24 ranges, not {count}")
    return result


def check(config: ClusterConfig) -> ClusterConfig:
    """Return `config`, or raise ConfigError for what no cluster can be made of."""
    if not NODE_NAME.fullmatch(config.name):
        raise ConfigError(f"--name {config.name!r}: lower-case letters, digits and '-'")
    unknown = [a for a in config.addons if a not in ADDONS]
    if unknown:
        raise ConfigError(f"--addons: there is no addon {unknown[0]!r}; choose from {', '.join(ADDONS)}")
    ranges = {
        "--node-cidr": network("--node-cidr", config.node_cidr),
        "--pod-cidr": network("--pod-cidr", config.pod_cidr),
        "--service-cidr": network("--service-cidr", config.service_cidr),
    }
    if ranges["--service-cidr"].prefixlen > 28:
        raise ConfigError(f"--service-cidr {config.service_cidr}: must hold at least 16 addresses")
    options = list(ranges)
    for i, one in enumerate(options):
        for other in options[i + 1 :]:
            if ranges[one].overlaps(ranges[other]):
                raise ConfigError(f"{one} {ranges[one]} and {other} {ranges[other]} overlap")
    _check_listening(config)
    if config.image_map:
        try:
            imagemap.load(Path(config.image_map))
        except imagemap.ImageMapError as error:
            raise ConfigError(f"--image-map {error}") from error
    return config


def _check_listening(config: ClusterConfig) -> None:
    try:
        IPv4Address(config.bind)
    except ValueError as error:
        raise ConfigError(f"--bind {config.bind}: must be an IPv4 address, such as 127.0.0.2") from error
    ports = {"--api-port": config.api_port, "--http-port": config.http_port, "--https-port": config.https_port}
    if len(set(ports.values())) < len(ports):
        raise ConfigError(", ".join(f"{option} {port}" for option, port in ports.items()) + ": must differ")
