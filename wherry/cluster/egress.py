"""The way out: what leaves the cluster's LAN becomes this machine's own traffic, by slirp4netns(1).

    pod ─▶ node ─▶ lan0 (LAN namespace) ─▶ wan0, masqueraded ─▶ slirp4netns ─▶ sockets of this machine's

slirp4netns is a process in the machine's network namespace that speaks TCP, UDP and ICMP echo for whom it reads from
the tap `wan0`. So the machine's network gains no link, no address, no route and no rule, and needs no forwarding.

Its tap and the routes through it go with it: the world is then unreachable, and said to be (`topology.REFUSAL`), until
the next one is there. Name servers are asked through it as well, at an address of its own: those of the machine's
resolv.conf, also where they listen on its loopback. All else there stays out of reach, and so do link-local addresses:
those of a cloud's metadata service would give a pod the machine's own rights.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess

from wherry.cluster.config import ClusterConfig
from wherry.cluster.paths import LAN_NAMESPACE
from wherry.net import namespaces
from wherry.net.links import Links
from wherry.objects.family import Family

log = logging.getLogger(__name__)

PROGRAM = "slirp4netns"
TAP = "wan0"
NETWORK = {Family.V4: "192.0.2.0/24", Family.V6: "fd00::/64"}
"""The tap's: of IPv4 one that nobody has (RFC 5737); of IPv6 the one that slirp4netns is built with."""
OWN = {Family.V4: "192.0.2.100", Family.V6: "fd00::100"}
GATEWAY = {Family.V4: "192.0.2.2", Family.V6: "fd00::2"}
NAME_SERVER = {Family.V4: "192.0.2.3", Family.V6: "fd00::3"}
WORLD = {Family.V4: ("0.0.0.0/1", "128.0.0.0/1"), Family.V6: ("2000::/3", "fc00::/7")}
"""More narrow than a default route, so that the one that refuses stays in place below them."""
MASQUERADE = """
table {table} egress
delete table {table} egress
table {table} egress {{
    chain postrouting {{
        type nat hook postrouting priority srcnat
        oifname {tap} masquerade
    }}
}}
"""


def wanted(config: ClusterConfig) -> bool:
    """Tell whether the cluster has a way out: asked for, or not asked about where slirp4netns is installed."""
    return config.egress == "on" or (config.egress == "auto" and installed())


def told(config: ClusterConfig) -> str:
    """Say how pods reach the world, in a few words."""
    if wanted(config):
        return f"through {PROGRAM}, as this machine"
    return "none" if config.egress == "none" else f"none: {PROGRAM} is not installed"


def name_servers(config: ClusterConfig) -> tuple[str, ...]:
    """Return what stands for the machine's name servers within the cluster; none without a way out."""
    return tuple(NAME_SERVER[family] for family in config.families) if wanted(config) else ()


def installed() -> bool:
    """Tell whether slirp4netns is here."""
    return _program() is not None


def _program() -> str | None:
    return shutil.which(PROGRAM, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")


def command(config: ClusterConfig, ready: int) -> list[str]:
    """Return the words that start it: it writes to `ready` once its tap is there."""
    words = [_program() or PROGRAM, "--netns-type=path", f"--cidr={NETWORK[Family.V4]}", "--disable-host-loopback"]
    words += ["--enable-sandbox", f"--ready-fd={ready}"]
    if Family.V6 in config.families:
        words.append("--enable-ipv6")
    return [*words, str(LAN_NAMESPACE), TAP]


def run(config: ClusterConfig) -> None:
    """Become it; raises OSError where it cannot be started. The calling process is in the machine's network namespace.

    What is to be done once its tap is there is done by a process of its own, which ends then: so nothing of ours stays
    in memory for it.
    """
    heard, ready = os.pipe()
    itself = os.getpid()
    if not (between := os.fork()):
        if not os.fork():
            os.close(ready)
            _lead(config, heard, itself)
        os._exit(0)  # the init takes its child over
    os.waitpid(between, 0)
    os.set_inheritable(ready, True)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and so would what it becomes
    words = command(config, ready)
    os.execv(words[0], words)


def _lead(config: ClusterConfig, heard: int, itself: int) -> None:
    """Lead what leaves the cluster through the tap once it is there; end slirp4netns, `itself`, where that fails."""
    try:
        if os.read(heard, 1):
            namespaces.run(LAN_NAMESPACE, _configure, config)
            log.info("pods reach the world through %s", PROGRAM)
    except BaseException:  # the last line of a process: log whatever it died of
        log.exception("what leaves the cluster is not led through %s", PROGRAM)
        os.kill(itself, signal.SIGTERM)
    finally:
        logging.shutdown()
        os._exit(0)


def _configure(config: ClusterConfig) -> None:
    with Links() as links:
        links.up(TAP)
        for family in config.families:
            links.address(TAP, OWN[family], int(NETWORK[family].partition("/")[2]))
            for cidr in WORLD[family]:
                links.route(cidr, via=GATEWAY[family], link=TAP)
    for family in config.families:
        rules = MASQUERADE.format(table="ip" if family is Family.V4 else "ip6", tap=TAP)
        subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)
