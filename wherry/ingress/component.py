"""The Ingress controller put together: its nginx, and the controller that drives it."""

from __future__ import annotations

import logging
import resource
import sys

from wherry.client.interface import Client
from wherry.ingress.controller import Controller
from wherry.ingress.nginx.control import ControlError
from wherry.ingress.nginx.errors import NginxError
from wherry.ingress.nginx.files import UnsafeDirectory
from wherry.ingress.nginx.process import Nginx, access_log, find_binary, has_ipv6, resolvers, worker_user
from wherry.ingress.nginx.runtime import Runtime
from wherry.ingress.options import Options

log = logging.getLogger(__name__)

FATAL = (NginxError, ControlError, UnsafeDirectory, OSError)
"""What keeps us from serving at all here, and says why in its message."""

RESERVED_FILES = 64
"""Descriptors that are not for connections."""


async def run(client: Client, options: Options) -> None:
    """Serve until cancelled, then drain. Raises one of `FATAL`, perhaps in a group, where it cannot begin."""
    controller = Controller(client, options, Nginx(runtime(options), find_binary(options.nginx)))
    try:
        await controller.run()
    finally:
        log.info("draining")
        sys.stdout.flush()
        await controller.stop()


def runtime(options: Options) -> Runtime:
    """Return what nginx is to run with, on this machine and as this user."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Runtime(
        directory=options.directory,
        http_port=options.http_port,
        https_port=options.https_port,
        ipv6=has_ipv6(),
        user=worker_user(),
        modules=options.nginx_modules,
        most_connections=max(256, files - RESERVED_FILES),
        access_log=access_log(),
        resolvers=resolvers(),
    )
