"""The files every container finds in /etc: hosts, hostname, resolv.conf. Pure.

Source: kubernetes pkg/kubelet/kubelet_pods.go (hosts files) and pkg/kubelet/network/dns/dns.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.node.downward import fields, resolver
from wherry.objects import Object

MANAGED = "# Kubernetes-managed hosts file."
MANAGED_HOST_NETWORK = "# Kubernetes-managed hosts file (host network)."
LOCAL = (
    ("127.0.0.1", "localhost"),
    ("::1", "localhost ip6-localhost ip6-loopback"),
    ("fe00::", "ip6-localnet"),
    ("fe00::", "ip6-mcastprefix"),
    ("fe00::1", "ip6-allnodes"),
    ("fe00::2", "ip6-allrouters"),
)
NAMESERVER_LIMIT = 3
SEARCH_LIMIT = 32


def hosts(pod: Object, addresses: Sequence[str], domain: str, node_hosts: str = "") -> str:
    """Return /etc/hosts of a pod with these addresses; a hostNetwork pod gets the node's own (`node_hosts`)."""
    if pod["spec"].get("hostNetwork"):
        text = f"{MANAGED_HOST_NETWORK}\n{node_hosts}"
    else:
        lines = [MANAGED, *(f"{ip}\t{names}" for ip, names in LOCAL)]
        name, subdomain = fields.hostname(pod), pod["spec"].get("subdomain")
        called = f"{name}.{subdomain}.{pod['metadata']['namespace']}.svc.{domain}\t{name}" if subdomain else name
        lines += [f"{address}\t{called}" for address in addresses]
        text = "\n".join(lines) + "\n"
    aliases = pod["spec"].get("hostAliases") or ()
    if aliases:
        text += "\n# Entries added by HostAliases.\n"
        text += "".join(f"{a['ip']}\t" + "\t".join(a.get("hostnames") or ()) + "\n" for a in aliases)
    return text


def resolv_conf(pod: Object, dns: Sequence[str], domain: str, node: str) -> str:
    """Return /etc/resolv.conf by the pod's dnsPolicy and dnsConfig; `node` is the text of the node's own."""
    policy = pod["spec"].get("dnsPolicy") or "ClusterFirst"
    if policy == "ClusterFirst" and pod["spec"].get("hostNetwork"):
        policy = "Default"
    servers: list[str] = []
    search: list[str] = []
    options: dict[str, str | None] = {}
    if policy in ("ClusterFirst", "ClusterFirstWithHostNet"):
        servers = list(dns)
        search = [f"{pod['metadata']['namespace']}.svc.{domain}", f"svc.{domain}", domain]
        options = {"ndots": "5"}
    elif policy == "Default":
        servers, search, options = resolver.parse(node)
    extra = pod["spec"].get("dnsConfig") or {}
    servers = list(dict.fromkeys([*servers, *(extra.get("nameservers") or ())]))[:NAMESERVER_LIMIT]
    search = list(dict.fromkeys([*search, *(extra.get("searches") or ())]))[:SEARCH_LIMIT]
    options |= {o["name"]: o.get("value") for o in extra.get("options") or ()}
    lines = [f"nameserver {server}" for server in servers]
    if search:
        lines.append("search " + " ".join(search))
    if options:
        lines.append("options " + " ".join(f"{n}:{v}" if v is not None else n for n, v in options.items()))
    return "".join(f"{line}\n" for line in lines)
