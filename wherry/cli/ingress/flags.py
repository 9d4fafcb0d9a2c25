"""The flags of `wherry ingress`, which are ingress-nginx's, and the `Options` they make.

A manifest written for ingress-nginx starts us unchanged (its cli-arguments.md has the list): dashes or underscores,
`--flag=value`, Go's booleans. Those we have no use for are accepted and named in the log; those that say what must not
be served, and that we cannot heed, are refused by name, like unknown ones.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from wherry.cli.goflags import ObjectKey, go_bool, without_effect
from wherry.ingress.fronts.ingress.annotations import DEFAULT_PREFIX
from wherry.ingress.fronts.ingress.snapshot import ClassChoice
from wherry.ingress.nginx.runtime import MODULES_DIRECTORY
from wherry.ingress.options import Options, default_directory
from wherry.ingress.webhook import WebhookOptions
from wherry.telemetry import log as logs

F = TypeVar("F", bound=Callable[..., Any])

SPELLING: dict[str, Any] = {"token_normalize_func": lambda name: name.replace("_", "-")}
"""How a click command takes our flags: with dashes or underscores."""

NO_EFFECT = (
    "add-dir-header",
    "alsologtostderr",
    "bucket-factor",
    "deep-inspect",
    "default-server-port",
    "disable-full-test",
    "disable-leader-election",
    "disable-sync-events",
    "dynamic-configuration-retries",
    "election-id",
    "election-ttl",
    "enable-annotation-validation",
    "enable-dynamic-certificates",
    "enable-dynamic-configuration",
    "enable-metrics",
    "enable-ssl-chain-completion",
    "enable-topology-aware-routing",
    "exclude-socket-metrics",
    "health-check-path",
    "health-check-timeout",
    "internal-logger-address",
    "length-buckets",
    "log-backtrace-at",
    "log-dir",
    "log-file",
    "log-file-max-size",
    "logtostderr",
    "max-buckets",
    "maxmind-edition-ids",
    "maxmind-license-key",
    "maxmind-mirror",
    "maxmind-retries-count",
    "maxmind-retries-timeout",
    "metrics-per-host",
    "metrics-per-undefined-host",
    "monitor-max-batch-size",
    "one-output",
    "post-shutdown-grace-period",
    "profiler-port",
    "profiling",
    "report-node-internal-ip-address",
    "report-status-classes",
    "size-buckets",
    "skip-headers",
    "skip-log-headers",
    "sort-backends",
    "ssl-passthrough-proxy-port",
    "status-port",
    "status-update-interval",
    "stderrthreshold",
    "stream-port",
    "sync-period",
    "time-buckets",
    "v",
    "vmodule",
)
"""Options of ingress-nginx that name a thing we do another way, or not at all, without harm to whoever sets them."""

REFUSED = {
    "apiserver-host": "give a kubeconfig that names the server (--kubeconfig)",
    "certificate-authority": "give a kubeconfig that names it (--kubeconfig)",
    "force-namespace-isolation": "name the namespace to serve (--watch-namespace)",
    "watch-namespace-selector": "it would serve namespaces that are to be left alone; name one (--watch-namespace)",
}
"""Options of ingress-nginx that cannot be passed over, and what to do instead."""


def _refuse(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is not None:
        name = param.opts[0].removeprefix("--")
        raise click.UsageError(f"--{name} is not supported: {REFUSED[name]}")


def _refused(function: F) -> F:
    for name in REFUSED:
        function = click.option(
            f"--{name}", hidden=True, is_flag=False, flag_value="true", expose_value=False, callback=_refuse
        )(function)
    return function


_DECLARED = (
    click.option(
        "--kubeconfig", type=click.Path(dir_okay=False), help="Kubeconfig; without it, the pod's service account."
    ),
    click.option("--context", help="Context of the kubeconfig."),
    click.option("--ingress-class", default="nginx", show_default=True, help="Class name we serve."),
    click.option(
        "--controller-class", default="k8s.io/ingress-nginx", show_default=True, help="IngressClass controller we are."
    ),
    go_bool("--ingress-class-by-name", False, "Serve Ingresses of our class also without its IngressClass."),
    go_bool("--watch-ingress-without-class", None, "Serve Ingresses without class.  [default: with class nginx]"),
    click.option("--watch-namespace", default="", help="Namespace to serve; all when empty."),
    click.option("--annotations-prefix", default=DEFAULT_PREFIX, show_default=True, help="Prefix of our annotations."),
    click.option("--configmap", type=ObjectKey(), help="ConfigMap with the controller's settings."),
    click.option("--tcp-services-configmap", type=ObjectKey(), help="ConfigMap of TCP ports."),
    click.option("--udp-services-configmap", type=ObjectKey(), help="ConfigMap of UDP ports."),
    click.option("--default-backend-service", type=ObjectKey(), help="Service for what no rule takes; else 404."),
    click.option(
        "--default-ssl-certificate", type=ObjectKey(), help="Secret for hosts without certificate; else self-signed."
    ),
    click.option("--publish-service", type=ObjectKey(), help="Service whose address the Ingresses' status shows."),
    click.option("--publish-status-address", default="", help="Addresses for the Ingresses' status, with commas."),
    go_bool("--update-status", True, "Write the Ingresses' status."),
    go_bool("--update-status-on-shutdown", True, "Empty it when the last replica ends."),
    click.option("--http-port", type=click.IntRange(1, 65535), default=80, show_default=True, help="Port for http."),
    click.option("--https-port", type=click.IntRange(1, 65535), default=443, show_default=True, help="Port for https."),
    click.option(
        "--healthz-host", default="::", show_default=True, help="Address of /healthz and /metrics; :: is all."
    ),
    click.option(
        "--healthz-port", type=click.IntRange(0, 65535), default=10254, show_default=True, help="Port of them."
    ),
    click.option(
        "--nginx-dir", type=click.Path(path_type=Path), default=default_directory, help="Where nginx' files go."
    ),
    click.option("--nginx", default="nginx", show_default=True, help="The nginx program."),
    click.option(
        "--nginx-modules",
        type=click.Path(path_type=Path),
        default=MODULES_DIRECTORY,
        show_default=True,
        help="Where nginx' modules are.",
    ),
    click.option(
        "--sync-rate-limit", type=click.FloatRange(0.01), default=1.0, show_default=True, help="Reloads per second."
    ),
    go_bool("--disable-catch-all", False, "Leave out rules for every host."),
    go_bool("--enable-ssl-passthrough", False, "Heed ssl-passthrough."),
    click.option("--validating-webhook", default="", help="HOST:PORT for admission of Ingresses; none when empty."),
    click.option("--validating-webhook-certificate", type=click.Path(path_type=Path), help="Its certificate (PEM)."),
    click.option("--validating-webhook-key", type=click.Path(path_type=Path), help="Its key (PEM)."),
    go_bool("--share-node", False, "Let another replica have the node's health port; see reuse-port, too."),
    click.option(
        "--shutdown-grace-period",
        type=click.FloatRange(0),
        default=0.0,
        show_default=True,
        help="Seconds to go on serving after SIGTERM.",
    ),
    click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True),
    click.option("--log-level", type=click.Choice(list(logs.LEVELS)), default="info", show_default=True),
    without_effect(NO_EFFECT),
    _refused,
)


def declare(function: F) -> F:
    """Declare all flags on a click command."""
    for option in reversed(_DECLARED):
        function = option(function)
    return function


def _webhook(given: dict[str, Any]) -> WebhookOptions | None:
    address, certificate, key = (given[f"validating_webhook{what}"] for what in ("", "_certificate", "_key"))
    if not address:
        return None
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or not 0 <= int(port) < 65_536:
        raise click.UsageError(f"--validating-webhook={address} is not HOST:PORT")
    if certificate is None or key is None:
        raise click.UsageError(
            "--validating-webhook needs --validating-webhook-certificate and --validating-webhook-key"
        )
    return WebhookOptions(host.strip("[]") or "::", int(port), certificate, key)


def options(given: dict[str, Any]) -> Options:
    """Return the options that the flags' values make, with what the pod's environment says of itself."""
    pod_name, pod_namespace = os.environ.get("POD_NAME"), os.environ.get("POD_NAMESPACE")
    return Options(
        classes=ClassChoice(
            given["ingress_class"] or "nginx",
            given["controller_class"],
            given["watch_ingress_without_class"],
            given["ingress_class_by_name"],
        ),
        namespace=given["watch_namespace"] or None,
        annotations_prefix=given["annotations_prefix"],
        config_map=given["configmap"],
        tcp_services=given["tcp_services_configmap"],
        udp_services=given["udp_services_configmap"],
        default_service=given["default_backend_service"],
        default_certificate=given["default_ssl_certificate"],
        passthrough=given["enable_ssl_passthrough"],
        catch_all=not given["disable_catch_all"],
        webhook=_webhook(given),
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
