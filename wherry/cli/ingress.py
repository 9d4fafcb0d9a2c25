"""`wherry ingress`: run the Ingress controller, or print its nginx.conf.

The options are ingress-nginx's, so that a manifest written for it starts us unchanged: dashes or underscores,
`--flag=value`, Go's booleans, and the program's own name as the first argument. Its options that we have no use for
are accepted and named in the log; unknown ones are refused.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from pathlib import Path
from typing import Any

import click

from wherry.cli.goflags import WITHOUT_EFFECT, ObjectKey, go_bool, without_effect
from wherry.client.http import HttpClient, connect
from wherry.client.kubeconfig import ConfigError
from wherry.component import process
from wherry.ingress import component
from wherry.ingress.fronts.ingress.annotations import DEFAULT_PREFIX
from wherry.ingress.fronts.ingress.snapshot import ClassChoice
from wherry.ingress.guardian import guard
from wherry.ingress.nginx.runtime import MODULES_DIRECTORY, Runtime
from wherry.ingress.options import Options, default_directory
from wherry.ingress.render import UnsupportedManifest, read_cluster, render_objects
from wherry.objects import Object
from wherry.objects.errors import ApiError
from wherry.telemetry import log as logs

log = logging.getLogger(__name__)


NO_EFFECT = (
    "alsologtostderr",
    "default-server-port",
    "election-id",
    "enable-metrics",
    "enable-ssl-chain-completion",
    "health-check-path",
    "health-check-timeout",
    "logtostderr",
    "metrics-per-host",
    "profiling",
    "report-node-internal-ip-address",
    "status-port",
    "stream-port",
    "sync-period",
    "v",
)
"""Options of ingress-nginx that name a thing we do another way, or not at all, without harm to whoever sets them."""


class _Group(click.Group):
    """Lets the first argument be the program's name, as the container arguments of ingress-nginx' manifest have it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Drop the program's name."""
        if args and args[0].rpartition("/")[2] == "nginx-ingress-controller":
            args = args[1:]
        return super().parse_args(ctx, args)


@click.group(
    cls=_Group,
    invoke_without_command=True,
    context_settings={
        "token_normalize_func": lambda name: name.replace("_", "-"),
        "help_option_names": ["-h", "--help"],
    },
)
@click.option(
    "--kubeconfig", type=click.Path(dir_okay=False), help="Kubeconfig; without it, the pod's service account."
)
@click.option("--context", help="Context of the kubeconfig.")
@click.option("--ingress-class", default="nginx", show_default=True, help="Class name we serve.")
@click.option(
    "--controller-class", default="k8s.io/ingress-nginx", show_default=True, help="IngressClass controller we are."
)
@go_bool("--watch-ingress-without-class", None, "Serve Ingresses without class.  [default: with class nginx]")
@click.option("--watch-namespace", default="", help="Namespace to serve; all when empty.")
@click.option("--annotations-prefix", default=DEFAULT_PREFIX, show_default=True, help="Prefix of our annotations.")
@click.option("--configmap", type=ObjectKey(), help="ConfigMap with the controller's settings.")
@click.option("--tcp-services-configmap", type=ObjectKey(), help="ConfigMap of TCP ports.")
@click.option("--udp-services-configmap", type=ObjectKey(), help="ConfigMap of UDP ports.")
@click.option("--default-backend-service", type=ObjectKey(), help="Service for what no rule takes; else 404.")
@click.option(
    "--default-ssl-certificate", type=ObjectKey(), help="Secret for hosts without certificate; else self-signed."
)
@click.option("--publish-service", type=ObjectKey(), help="Service whose address the Ingresses' status shows.")
@click.option("--publish-status-address", default="", help="Addresses for the Ingresses' status, with commas.")
@go_bool("--update-status", True, "Write the Ingresses' status.")
@go_bool("--update-status-on-shutdown", True, "Empty it when the last replica ends.")
@click.option("--http-port", type=click.IntRange(1, 65535), default=80, show_default=True, help="Port for http.")
@click.option("--https-port", type=click.IntRange(1, 65535), default=443, show_default=True, help="Port for https.")
@click.option("--healthz-host", default="::", show_default=True, help="Address of /healthz and /metrics; :: is all.")
@click.option("--healthz-port", type=click.IntRange(0, 65535), default=10254, show_default=True, help="Port of them.")
@click.option("--nginx-dir", type=click.Path(path_type=Path), default=default_directory, help="Where nginx' files go.")
@click.option("--nginx", default="nginx", show_default=True, help="The nginx program.")
@click.option(
    "--nginx-modules",
    type=click.Path(path_type=Path),
    default=MODULES_DIRECTORY,
    show_default=True,
    help="Where nginx' modules are.",
)
@click.option(
    "--sync-rate-limit", type=click.FloatRange(0.01), default=1.0, show_default=True, help="Reloads per second."
)
@go_bool("--share-node", False, "Let another replica have the node's health port; see reuse-port, too.")
@click.option(
    "--shutdown-grace-period",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="Seconds to go on serving after SIGTERM.",
)
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--log-level", type=click.Choice(list(logs.LEVELS)), default="info", show_default=True)
@without_effect(NO_EFFECT)
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> None:
    """Run the Ingress controller: nginx, driven by the cluster's Ingresses."""
    ctx.obj = given
    if ctx.invoked_subcommand is None:
        _run(given, ctx.meta.get(WITHOUT_EFFECT, []))


@command.command()
@click.option("--file", "files", type=click.File(), multiple=True, help="Manifests instead of a cluster; - is stdin.")
@click.option("--kubeconfig", type=click.Path(dir_okay=False), help="Kubeconfig of the cluster.")
@click.option("--backends", is_flag=True, help="Print the endpoints pushed beside nginx.conf, as JSON.")
@click.pass_obj
def render(given: dict[str, Any], files: tuple[Any, ...], kubeconfig: str | None, backends: bool) -> None:
    """Print the nginx.conf of a cluster, or of manifests, and start nothing."""
    options = _options(given)
    objects = _manifests(files) if files else asyncio.run(_read(kubeconfig or given["kubeconfig"], given, options))
    try:
        rendering = render_objects(objects, options, Runtime(options.directory, options.http_port, options.https_port))
    except UnsupportedManifest as error:
        raise click.ClickException(str(error)) from error
    for problem in rendering.problems:
        click.echo(f"{problem.subject}: {problem.reason}: {problem.message}", err=True)
    click.echo(json.dumps(rendering.backends, indent=2) if backends else rendering.conf, nl=backends)


def _manifests(files: tuple[Any, ...]) -> list[Object]:
    import yaml  # here, since the controller itself reads none

    found: list[Object] = []
    for file in files:
        try:
            documents = [d for d in yaml.safe_load_all(file) if d]
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            reason = " ".join(str(error).split())
            raise click.ClickException(f"{file.name}: {reason}") from error
        for document in documents:
            if not isinstance(document, dict):
                raise click.ClickException(f"{file.name}: a document is not an object")
            found += document["items"] if document.get("kind", "").endswith("List") else [document]
    return found


async def _read(kubeconfig: str | None, given: dict[str, Any], options: Options) -> list[Object]:
    client = _connect(kubeconfig, given["context"])
    try:
        return await read_cluster(client, options)
    except ApiError as error:
        raise click.ClickException(str(error)) from error
    finally:
        await client.close()


def _connect(kubeconfig: str | None, context: str | None) -> HttpClient:
    """Return the client of a kubeconfig, or of our pod."""
    try:
        return connect(kubeconfig, context)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error


def _options(given: dict[str, Any]) -> Options:
    pod_name, pod_namespace = os.environ.get("POD_NAME"), os.environ.get("POD_NAMESPACE")
    return Options(
        classes=ClassChoice(
            given["ingress_class"] or "nginx", given["controller_class"], given["watch_ingress_without_class"]
        ),
        namespace=given["watch_namespace"] or None,
        annotations_prefix=given["annotations_prefix"],
        config_map=given["configmap"],
        tcp_services=given["tcp_services_configmap"],
        udp_services=given["udp_services_configmap"],
        default_service=given["default_backend_service"],
        default_certificate=given["default_ssl_certificate"],
        publish_service=given["publish_service"],
        publish_addresses=tuple(a.strip() for a in given["publish_status_address"].split(",") if a.strip()),
        update_status=given["update_status"],
        update_status_on_shutdown=given["update_status_on_shutdown"],
        pod=(pod_namespace, pod_name) if pod_name and pod_namespace else None,
        http_port=given["http_port"],
        https_port=given["https_port"],
        health_host=given["healthz_host"],
        health_port=given["healthz_port"],
        directory=given["nginx_dir"],
        nginx=given["nginx"],
        nginx_modules=given["nginx_modules"],
        reload_seconds=1 / given["sync_rate_limit"],
        grace_seconds=given["shutdown_grace_period"],
        share_node=given["share_node"],
    )


def _run(given: dict[str, Any], without_effect: list[str]) -> None:
    logs.setup("ingress", format=given["log_format"], level=given["log_level"])
    for name in without_effect:
        log.warning("option %s has no effect here", name)
    options = _options(given)
    guard()
    try:
        client = _connect(given["kubeconfig"], given["context"])
        process.run(component.run(client, options), client)
    except (*component.FATAL, BaseExceptionGroup) as error:
        causes = _leaves(error)
        if not all(isinstance(cause, component.FATAL) for cause in causes):
            raise
        raise click.ClickException("; ".join(map(str, causes))) from error


def _leaves(error: BaseException) -> list[BaseException]:
    return [leaf for e in error.exceptions for leaf in _leaves(e)] if isinstance(error, BaseExceptionGroup) else [error]
