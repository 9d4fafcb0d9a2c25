"""What the command line decides."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from wherry.ingress.fronts.gateway.snapshot import Ports
from wherry.ingress.fronts.ingress.annotations import DEFAULT_PREFIX
from wherry.ingress.fronts.ingress.snapshot import Choices, ClassChoice
from wherry.ingress.nginx.runtime import MODULES_DIRECTORY
from wherry.ingress.route.problem import Key
from wherry.ingress.webhook import WebhookOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of `wherry ingress`. Objects are (namespace, name); durations in seconds.

    `pod` is the controller's own pod, by which its replicas, and so their nodes' addresses, are found.
    """

    classes: ClassChoice = ClassChoice()  # noqa: RUF009 - frozen
    namespace: str | None = None
    annotations_prefix: str = DEFAULT_PREFIX
    config_map: Key | None = None
    tcp_services: Key | None = None
    udp_services: Key | None = None
    default_service: Key | None = None
    default_certificate: Key | None = None
    catch_all: bool = True
    """Whether Ingresses may have rules for every host."""
    passthrough: bool = False
    """Whether `ssl-passthrough` is heeded."""
    publish_service: Key | None = None
    publish_addresses: tuple[str, ...] = ()
    update_status: bool = True
    update_status_on_shutdown: bool = True
    pod: Key | None = None
    http_port: int = 80
    https_port: int = 443
    health_host: str = "::"
    health_port: int = 10254
    webhook: WebhookOptions | None = None
    directory: Path = Path("/run/wherry-ingress")
    nginx: str = "nginx"
    nginx_modules: Path = MODULES_DIRECTORY
    reload_seconds: float = 1.0
    """The least time between two reloads: each leaves old workers behind until their last connection ends."""
    grace_seconds: float = 0.0
    """How long to go on serving after being told to end, at most: until another replica on this node is ready."""
    share_node: bool = False
    """Whether other replicas may run on this node's network, as one does while it is replaced by another."""
    drain_seconds: float = 300.0
    """How long requests under way may take then; nginx' own worker-shutdown-timeout is usually shorter."""

    def choices(self) -> Choices:
        """Return what the model is to know of these options."""
        return Choices(
            classes=self.classes,
            annotations_prefix=self.annotations_prefix,
            default_service=self.default_service,
            catch_all=self.catch_all,
            passthrough=self.passthrough,
            reserved_ports=frozenset((self.http_port, self.https_port, self.health_port)),
            ports=Ports(frozenset((80, self.http_port)), frozenset((443, self.https_port))),
        )


def default_directory() -> Path:
    """Return where nginx' files go unless told otherwise: a place only this user can have made."""
    if os.geteuid() == 0:
        return Path("/run/wherry-ingress")
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(runtime) / "wherry-ingress"
    return Path("/tmp") / f"wherry-ingress-{os.geteuid()}"
