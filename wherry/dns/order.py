"""The plugins, in the order in which a query passes them, whatever the Corefile's (CoreDNS plugin.cfg).

`rrl` is none of CoreDNS's own: it limits what is logged, and what the plugins below it make.
"""

from __future__ import annotations

ORDER = (
    "debug",
    "nodecache",
    "reload",
    "bufsize",
    "bind",
    "ready",
    "health",
    "prometheus",
    "errors",
    "log",
    "rrl",
    "dns64",
    "loadbalance",
    "rewrite",
    "autopath",
    "acl",
    "cache",
    "tls",
    "minimal",
    "template",
    "hosts",
    "kubernetes",
    "file",
    "loop",
    "forward",
    "whoami",
)
# fmt: off
NOT_HERE = frozenset({
    "any", "auto", "azure", "cancel", "chaos", "clouddns", "dnssec", "dnstap", "dynupdate", "erratic", "etcd", "geoip",
    "grpc", "grpc_server", "header", "https", "https3", "k8s_external", "local", "metadata", "multisocket", "nomad",
    "nsid", "on", "pprof", "proxyproto", "quic", "root", "route53", "secondary", "shed", "sign", "siit", "timeouts",
    "trace", "transfer", "tsig", "view",
})
# fmt: on
"""CoreDNS's that we do not have."""
