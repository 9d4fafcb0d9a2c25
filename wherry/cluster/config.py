"""What a cluster is made of, as the user asked for it; kept as `cluster.json` in the data directory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address
from itertools import chain, combinations, islice
from pathlib import Path
from typing import Any

import msgspec

from wherry.cluster import files
from wherry.images import registries
from wherry.node.images import imagemap
from wherry.objects.family import Family, Network, family_of, network, network_family

ADDONS = ("dns", "ingress")
EGRESS = ("auto", "on", "none")
SQLITE = "sqlite"
DEFAULT_NAMES = ("k8s-master", "k8s-slave1", "k8s-slave2")
FIRST_HOST = 209  # the article's k8s-master is 192.168.51.209, and the others count on from there
POD_RANGE = {Family.V4: 24, Family.V6: 64}  # how long the prefix of a node's part of the pod range is
SMALLEST_SERVICE_RANGE = 16
NAME_RULE = "lower-case letters, digits and '-' between them, 63 at most"
RANGES = {
    Family.V4: {"node_cidr": "192.168.51.0/24", "pod_cidr": "10.244.0.0/16", "service_cidr": "10.96.0.0/12"},
    Family.V6: {"node_cidr": "fd00:51::/64", "pod_cidr": "fd00:244::/56", "service_cidr": "fd00:96::/108"},
}
"""The ranges where nothing is said: the article's, and others alike."""
FAMILIES = {"v4": (Family.V4,), "v6": (Family.V6,), "dual": (Family.V4, Family.V6)}
"""What `--family` may say."""
NUMBER = re.compile(r"[0-9]{1,9}")
NODE_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


Networks = dict[Family, Network]


class ConfigError(ValueError):
    """The cluster asked for cannot be; the message says which option and why."""


class Node(msgspec.Struct, frozen=True):
    """One node: its name, its LAN addresses and the ranges its pods get theirs from, one per family."""

    name: str
    addresses: tuple[str, ...]
    pod_cidrs: tuple[str, ...]

    @property
    def address(self) -> str:
        """The address in the cluster's first family."""
        return self.addresses[0]


class ClusterConfig(msgspec.Struct, frozen=True):
    """A whole cluster. Ports are on the host's `bind` address.

    A `…_cidr` is text as Kubernetes writes it: a CIDR per family, separated by commas, the same families in each.
    """

    name: str
    nodes: tuple[Node, ...]
    node_cidr: str = RANGES[Family.V4]["node_cidr"]
    pod_cidr: str = RANGES[Family.V4]["pod_cidr"]
    service_cidr: str = RANGES[Family.V4]["service_cidr"]
    proxy_mode: str = "nftables"
    addons: tuple[str, ...] = ADDONS
    egress: str = "auto"
    image_map: str | None = None
    registries: str | None = None
    static_pods: str | None = None
    bind: str = "127.0.0.1"
    api_port: int = 6443
    http_port: int = 8080
    https_port: int = 8443
    cluster_domain: str = "cluster.local"
    store: str = SQLITE
    api_servers: int = 1
    secrets_encryption: bool = False
    encryption_provider_config: str | None = None
    audit_policy_file: str | None = None
    audit_log_path: str | None = None
    audit_log_maxsize: int = 100
    audit_log_maxbackup: int = 10
    audit_log_maxage: int = 0

    @property
    def node_networks(self) -> Networks:
        """The LAN of the nodes, by family."""
        return networks("--node-cidr", self.node_cidr)

    @property
    def service_networks(self) -> Networks:
        """Where Services get cluster IPs, by family."""
        return networks("--service-cidr", self.service_cidr)

    @property
    def balancer_pools(self) -> Networks:
        """Where Services of type LoadBalancer get addresses: 32 of the LAN, as many as one of its eighths has."""
        found = ((family, _balancer_pool(lan)) for family, lan in self.node_networks.items())
        return {family: pool for family, pool in found if pool}

    @property
    def balancer_addresses(self) -> tuple[str, ...]:
        """The pools' addresses, but for those a node was given."""
        taken = {address for node in self.nodes for address in node.addresses}
        return tuple(a for pool in self.balancer_pools.values() for a in map(str, pool) if a not in taken)

    @property
    def families(self) -> tuple[Family, ...]:
        """The cluster's families, the first one first."""
        return tuple(self.service_networks)

    @property
    def service_network(self) -> Network:
        """The service range of the first family."""
        return self.service_networks[self.families[0]]

    @property
    def lan_gateways(self) -> dict[Family, str]:
        """The host side of the LAN: its first address."""
        return {family: str(lan[1]) for family, lan in self.node_networks.items()}

    @property
    def lan_gateway(self) -> str:
        """The host side of the LAN in the first family."""
        return self.lan_gateways[self.families[0]]

    @property
    def dns_address(self) -> str:
        """The cluster IP of kube-dns: the tenth of the service range, as kubeadm has it."""
        return str(self.service_network[10])

    @property
    def kubernetes_address(self) -> str:
        """The cluster IP of the `kubernetes` Service: the first of the service range."""
        return str(self.service_network[1])

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
            return msgspec.convert(_of_today(msgspec.json.decode(path.read_bytes())), ClusterConfig)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise ConfigError(f"{path} is damaged ({error}): put it right, or {forget}") from error
        except OSError as error:
            raise ConfigError(f"{files.told(error)}; {forget}") from error


def _of_today(saved: Any) -> Any:
    """Return a saved configuration in today's words: nodes had one address and one range."""
    nodes = saved.get("nodes") if isinstance(saved, dict) else None
    for node in nodes if isinstance(nodes, list) else ():
        for old, new in (("address", "addresses"), ("pod_cidr", "pod_cidrs")):
            if isinstance(node, dict) and old in node:
                node[new] = [node.pop(old)]
    return saved


def networks(option: str, text: str) -> Networks:
    """Parse the CIDRs given to `option`, one per family."""
    found: Networks = {}
    for part in text.split(","):
        try:
            one = network(part.strip())
        except ValueError as error:
            raise ConfigError(f"{option} {text}: {error}") from error
        if network_family(one) in found:
            raise ConfigError(f"{option} {text}: more than one CIDR of {network_family(one)}")
        found[network_family(one)] = one
    return found


def _balancer_pool(lan: Network) -> Network | None:
    """Return the third part of a LAN that is cut into eighths, or into pieces of 32 addresses when it is large."""
    length = max(lan.prefixlen + 3, lan.max_prefixlen - 5)
    return network(f"{lan[2 << (lan.max_prefixlen - length)]}/{length}") if length <= lan.max_prefixlen else None


def ranges_of(family: str) -> dict[str, str]:
    """Return the `…_cidr` of a cluster of `--family`: v4, v6 or dual."""
    options = RANGES[Family.V4]
    return {option: ",".join(RANGES[one][option] for one in FAMILIES[family]) for option in options}


def plan_nodes(spec: str, node_cidr: str, pod_cidr: str) -> tuple[Node, ...]:
    """Turn `--nodes` ("3", or "NAME[=IP[+IP]],…") into nodes with LAN addresses and a part of the pod range each.

    A single word is refused: it is likelier a number with a slip of the finger than a cluster's only node.
    """
    lans = networks("--node-cidr", node_cidr)
    pods = networks("--pod-cidr", pod_cidr)
    named = _named(spec, min(lan.num_addresses for lan in lans.values()))
    if not named:
        raise ConfigError("--nodes: a cluster needs at least one node")
    _check_names([name for name, _ in named])
    asked = _asked(named, lans)
    addresses = [
        _addresses([(name, asked[name].get(family, "")) for name, _ in named], lans[family]) for family in lans
    ]
    ranges = [_pod_ranges(network, len(named)) for network in pods.values()]
    return tuple(
        Node(name, tuple(each[i] for each in addresses), tuple(str(each[i]) for each in ranges))
        for i, (name, _) in enumerate(named)
    )


def _named(spec: str, most: int) -> list[tuple[str, list[str]]]:
    """Return (name, addresses asked for) of each node; `most` is how many addresses there are."""
    if NUMBER.fullmatch(spec.strip()):
        if int(spec) > most:
            raise ConfigError(f"--nodes {spec}: --node-cidr has no address left after {most}")
        return _default_names(int(spec))
    if "," not in spec and "=" not in spec:
        raise ConfigError(
            f"--nodes {spec}: no number of nodes, no list NAME[=IP],…; one node of that name is {spec.strip()}="
        )
    parts = (part.partition("=") for part in spec.split(","))
    return [(n.strip(), [ip.strip() for ip in ips.split("+") if ip.strip()]) for n, _, ips in parts]


def _default_names(count: int) -> list[tuple[str, list[str]]]:
    master = DEFAULT_NAMES[0]
    return [(master if i == 0 else f"k8s-slave{i}", []) for i in range(count)]


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if not NODE_NAME.fullmatch(name):
            raise ConfigError(f"--nodes: {name!r} is not a node name ({NAME_RULE})")
        if name.isdigit():
            raise ConfigError(f"--nodes: {name!r} is a number; a list has names, with a letter in each")
        if names.count(name) > 1:
            raise ConfigError(f"--nodes: {name} is named twice")


def _asked(named: Sequence[tuple[str, list[str]]], lans: Networks) -> dict[str, dict[Family, str]]:
    """Return the addresses asked for by node and family."""
    found: dict[str, dict[Family, str]] = {}
    for name, addresses in named:
        mine = found[name] = {}
        for address in addresses:
            family = family_of(address)
            if family not in lans:
                family = next(iter(lans))  # whose LAN then refuses it by name
            if family in mine:
                raise ConfigError(f"--nodes: {name}={'+'.join(addresses)}: one address of each family")
            mine[family] = address
    return found


def _addresses(named: Sequence[tuple[str, str]], lan: Network) -> list[str]:
    """Return an address for each node: the one asked for, or the next free one."""
    asked = {ip for _, ip in named if ip}
    end = lan.num_addresses - 1
    pool = _balancer_pool(lan)
    order = (lan[i] for i in chain(range(FIRST_HOST, end), range(2, min(FIRST_HOST, end))))
    free = (str(address) for address in order if not pool or address not in pool)
    unasked = (address for address in free if address not in asked)
    result = []
    for name, ip in named:
        address = ip or next(unasked, "")
        if not address:
            raise ConfigError(f"--nodes: {lan} has no address left for {name}")
        result.append(_inside(name, address, lan))
    if len(set(result)) != len(result):
        raise ConfigError("--nodes: two nodes have the same address")
    return result


def _inside(name: str, address: str, lan: Network) -> str:
    try:
        parsed = ip_address(address)
    except ValueError as error:
        raise ConfigError(f"--nodes: {name}={address}: {error}") from error
    if parsed not in lan or parsed in (lan[0], lan[1], lan[-1]):
        raise ConfigError(f"--nodes: {name}={address} must be in --node-cidr {lan}, and not {lan[1]}, the host's side")
    return str(parsed)


def _pod_ranges(pods: Network, count: int) -> list[Network]:
    length = POD_RANGE[network_family(pods)]
    if pods.prefixlen > length:
        raise ConfigError(f"--pod-cidr {pods}: must hold a /{length} for each node")
    result: list[Network] = list(islice(pods.subnets(new_prefix=length), count))
    if len(result) < count:
        raise ConfigError(f"--pod-cidr {pods} holds {len(result)} /{length} ranges, not {count}")
    return result


def check(config: ClusterConfig) -> ClusterConfig:
    """Return `config`, or raise ConfigError for what no cluster can be made of."""
    if not NODE_NAME.fullmatch(config.name):
        raise ConfigError(f"--name {config.name!r}: {NAME_RULE}")
    unknown = [a for a in config.addons if a not in ADDONS]
    if unknown:
        raise ConfigError(f"--addons: there is no addon {unknown[0]!r}; choose from {', '.join(ADDONS)}")
    _check_ranges(config)
    _check_listening(config)
    if config.api_servers > 1 and config.store == SQLITE:
        raise ConfigError(f"--api-servers {config.api_servers}: they need a store to share: --store etcd=URL")
    _check_encryption(config)
    _check_audit(config)
    if config.image_map:
        try:
            imagemap.load(Path(config.image_map))
        except imagemap.ImageMapError as error:
            raise ConfigError(f"--image-map {error}") from error
    try:
        registries.load(Path(config.registries) if config.registries else None)
    except registries.RegistriesError as error:
        raise ConfigError(f"--registries {error}") from error
    if config.static_pods and not Path(config.static_pods).is_dir():
        raise ConfigError(f"--static-pods {config.static_pods}: there is no such folder")
    return config


def _check_encryption(config: ClusterConfig) -> None:
    if not config.encryption_provider_config:
        return
    if config.secrets_encryption:
        raise ConfigError("--encryption-provider-config and --secrets-encryption: choose one")
    from wherry.apiserver.storage.encryption import configuration  # here, as most clusters need none

    try:
        configuration.load(Path(config.encryption_provider_config))
    except configuration.EncryptionError as error:
        raise ConfigError(f"--encryption-provider-config {error}") from error


def _check_audit(config: ClusterConfig) -> None:
    if (config.audit_policy_file is None) != (config.audit_log_path is None):
        raise ConfigError("--audit-policy-file and --audit-log-path: one says what is told, the other where; give both")
    if config.audit_policy_file is None:
        return
    from wherry.apiserver.auditlog import policy  # here, as most clusters need none

    try:
        policy.load(Path(config.audit_policy_file))
    except policy.PolicyError as error:
        raise ConfigError(f"--audit-policy-file {error}") from error


def missing_sources(config: ClusterConfig) -> list[Path]:
    """Return what the image map mounts into containers and this machine does not have."""
    if not config.image_map:
        return []
    path = Path(config.image_map)
    images = [imagemap.resolve("", entry, path.parent) for entry in imagemap.load(path)]
    return [mount.source for image in images for mount in image.mounts if not mount.source.exists()]


def _check_ranges(config: ClusterConfig) -> None:
    ranges = {
        "--node-cidr": config.node_networks,
        "--pod-cidr": networks("--pod-cidr", config.pod_cidr),
        "--service-cidr": config.service_networks,
    }
    asked = {option: f"{option} {','.join(map(str, given.values()))}" for option, given in ranges.items()}
    for option, given in ranges.items():
        if tuple(given) != config.families:
            raise ConfigError(f"{asked[option]}: must be {','.join(config.families)}, as --service-cidr is")
    if min(one.num_addresses for one in config.service_networks.values()) < SMALLEST_SERVICE_RANGE:
        raise ConfigError(
            f"--service-cidr {config.service_cidr}: must hold at least {SMALLEST_SERVICE_RANGE} addresses"
        )
    options = [(option, one) for option, given in ranges.items() for one in given.values()]
    for (option, one), (other_option, other) in combinations(options, 2):
        if network_family(one) is network_family(other) and one.overlaps(other):
            raise ConfigError(f"{option} {one} and {other_option} {other} overlap")


def _check_listening(config: ClusterConfig) -> None:
    try:
        ip_address(config.bind)
    except ValueError as error:
        raise ConfigError(f"--bind {config.bind}: must be an address, such as 127.0.0.2") from error
    ports = {"--api-port": config.api_port, "--http-port": config.http_port, "--https-port": config.https_port}
    if len(set(ports.values())) < len(ports):
        raise ConfigError(", ".join(f"{option} {port}" for option, port in ports.items()) + ": must differ")
