"""`wherry up`: start a cluster in the background and return when its addons answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wherry.cli import options
from wherry.cli.failure import Failure, Misuse
from wherry.cli.progress import Progress
from wherry.cluster import config as configs
from wherry.cluster import datadir, egress, files, kubeconfig, lifecycle, sandbox, store
from wherry.cluster.config import EGRESS, FAMILIES, ClusterConfig, ConfigError
from wherry.cluster.errors import ClusterError
from wherry.objects.family import bracketed
from wherry.proxy import modes


def _proxy_mode(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    try:
        return value if value is None else modes.check(value)
    except modes.UnsupportedMode as error:
        raise click.BadParameter(str(error)) from error


@click.command()
@options.name
@click.option("--nodes", help="How many nodes, or their names: NAME=[IP[+IP]],…  [default: 1]")
@click.option(
    "--proxy-mode",
    callback=_proxy_mode,
    help="How kube-proxy works: nftables, iptables, ipvs or userspace.  [default: nftables]",
)
@click.option("--family", type=click.Choice([*FAMILIES]), help="IPv4, IPv6, or both, IPv4 first.  [default: v4]")
@click.option("--node-cidr", help="The LAN of the nodes.  [default: 192.168.51.0/24, fd00:51::/64]")
@click.option(
    "--pod-cidr",
    help="Where pods get addresses, a /24 (of IPv6 a /64) per node.  [default: 10.244.0.0/16, fd00:244::/56]",
)
@click.option("--service-cidr", help="Where Services get cluster IPs.  [default: 10.96.0.0/12, fd00:96::/108]")
@click.option("--addons", help="What to install besides kube-proxy: dns, ingress, or none.  [default: dns,ingress]")
@click.option(
    "--egress",
    type=click.Choice(EGRESS),
    envvar="WHERRY_EGRESS",
    help="Whether pods reach the world: on, none, or auto: where slirp4netns is installed.  [default: auto]",
)
@click.option("--image-map", type=click.Path(dir_okay=False), help="Which programs of this machine stand for images.")
@click.option("--registries", type=click.Path(dir_okay=False), help="Mirrors, TLS and logins of image registries.")
@click.option(
    "--static-pods",
    type=click.Path(file_okay=False),
    help="A folder of manifests: each is a pod on every node, one in a folder NODE in it on that node.",
)
@click.option(
    "--data-dir", type=click.Path(file_okay=False), help="Where state is kept.  [default: XDG data directory]"
)
@click.option("--store", help="Where objects are kept: sqlite, or etcd=URL,…[/PREFIX][?ca=…].  [default: sqlite]")
@click.option(
    "--secrets-encryption/--no-secrets-encryption",
    default=None,
    help="Encrypt Secrets at rest by a key made for the cluster.  [default: no]",
)
@click.option(
    "--encryption-provider-config",
    type=click.Path(dir_okay=False),
    help="What to encrypt at rest, and how: an EncryptionConfiguration.",
)
@click.option(
    "--audit-policy-file",
    type=click.Path(dir_okay=False),
    help="Which requests are told of: a Policy.",
)
@click.option("--audit-log-path", type=click.Path(dir_okay=False), help="The file in which they are, a line for each.")
@click.option("--audit-log-maxsize", type=click.IntRange(1), help="Its size in MB, before a new one.  [default: 100]")
@click.option("--audit-log-maxbackup", type=click.IntRange(0), help="How many of those are kept.  [default: 10]")
@click.option("--audit-log-maxage", type=click.IntRange(0), help="For how many days; 0: no limit.  [default: 0]")
@click.option("--api-servers", type=click.IntRange(1, 16), help="How many API servers share an etcd.  [default: 1]")
@click.option("--bind", help="The loopback address to listen on.  [default: 127.0.0.1]")
@click.option("--api-port", type=click.IntRange(1, 65535), help="The API's port there.  [default: 6443]")
@click.option("--http-port", type=click.IntRange(1, 65535), help="The ingress's HTTP port there.  [default: 8080]")
@click.option("--https-port", type=click.IntRange(1, 65535), help="The ingress's HTTPS port there.  [default: 8443]")
def command(name: str, data_dir: str | None, **given: Any) -> None:
    """Start a cluster and wait until its addons answer.

    What is not given is as it was the last time, or the default. The context wherry-NAME is merged into the
    kubeconfig ($KUBECONFIG, or ~/.kube/config) and made current.
    """
    try:
        paths = datadir.locate(name, data_dir)
        saved = ClusterConfig.load(paths.config) if paths.config.exists() else None
        config = _config(name, saved, given)
        for place in configs.missing_sources(config):
            click.echo(f"wherry: --image-map: there is no {place}: pods that mount it will not start", err=True)
        with Progress() as progress:
            put_back = lifecycle.up(config, paths, progress)
    except (ConfigError, ClusterError, kubeconfig.KubeconfigError) as error:
        raise Failure(str(error)) from error
    except KeyboardInterrupt as error:
        raise Failure(_interrupted(name)) from error
    _report(config, progress.elapsed, put_back)


def _config(name: str, saved: ClusterConfig | None, given: dict[str, Any]) -> ClusterConfig:
    try:
        return configs.check(_merge(name, saved, given))
    except ConfigError as error:
        raise Misuse(str(error)) from error


def _merge(name: str, saved: ClusterConfig | None, given: dict[str, Any]) -> ClusterConfig:
    """Return the configuration: what was given, else what was saved, else the defaults."""
    values = {key: value for key, value in given.items() if value is not None}
    if "addons" in values:
        values["addons"] = tuple(a for a in values["addons"].split(",") if a not in ("", "none"))
    if "store" in values:
        values["store"] = store.normal(values["store"], name)
    files_of = (
        "image_map",
        "registries",
        "static_pods",
        "encryption_provider_config",
        "audit_policy_file",
        "audit_log_path",
    )
    for file in set(files_of) & values.keys():
        values[file] = str(files.real(Path(values[file])))
    base = {f: getattr(saved, f) for f in ClusterConfig.__struct_fields__} if saved else {"name": name}
    nodes, family = values.pop("nodes", None), values.pop("family", None)
    if family or not saved:
        base |= configs.ranges_of(family or "v4")
    merged = {**base, **values}
    if nodes or not saved:
        merged["nodes"] = configs.plan_nodes(nodes or "1", merged["node_cidr"], merged["pod_cidr"])
    return ClusterConfig(**merged)


def _interrupted(name: str) -> str:
    if sandbox.running(datadir.locate(name, None)) is None:
        return "interrupted before anything ran"
    return (
        f"interrupted, but cluster {name} goes on starting: `{options.verb('status', name)}` shows how far it is, "
        f"`{options.verb('down', name)}` stops it"
    )


def _report(config: ClusterConfig, seconds: float, put_back: list[str]) -> None:
    name, host = config.name, bracketed(config.bind)
    ingress = f"http://{host}:{config.http_port} and https://{host}:{config.https_port}"
    if "ingress" not in config.addons:
        ingress += ", once a controller is installed"
    click.echo(f"cluster {name} is up after {seconds:.1f} s")
    if put_back:
        click.echo(f"  put back     {', '.join(put_back)}")
    click.echo("  nodes        " + ", ".join(" ".join((n.name, *n.addresses)) for n in config.nodes))
    click.echo(f"  API          https://{host}:{config.api_port}, kubectl context {kubeconfig.entry_name(name)}")
    click.echo(f"  ingress      {ingress}")
    click.echo(f"  node ports   {host}, at their own numbers")
    click.echo(f"  way out      {egress.told(config)}")
    click.echo(f"  look around  kubectl get pods -A; {options.verb(f'shell {config.control_plane.name}', name)}")
    click.echo(f"  stop         {options.verb('down', name)}")
