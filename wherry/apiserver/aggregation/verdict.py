"""Whether the server of an APIService can be asked, as far as the API's objects tell.

Source: kube-aggregator pkg/controllers/status/remote/remote_available_controller.go (order, reasons and texts).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wherry.apiserver.kinds.apiregistration import apiservice
from wherry.objects import Object
from wherry.objects.meaning import endpoints as meaning


class Verdict(NamedTuple):
    """What the condition `Available` says."""

    available: bool
    reason: str
    message: str


LOCAL = Verdict(True, *apiservice.LOCAL)
PASSED = Verdict(True, "Passed", "all checks passed")


def by_objects(api_service: Object, service: Object | None, slices: Sequence[Object]) -> Verdict | None:
    """Return what is wrong with the Service or its EndpointSlices; None: its server has to be asked."""
    reference = api_service["spec"]["service"]
    name, namespace, number = reference["name"], reference["namespace"], reference.get("port") or 443
    called = f'service/{name} in "{namespace}"'
    if service is None:
        return Verdict(False, "ServiceNotFound", f"{called} is not present")
    if (service["spec"].get("type") or "ClusterIP") != "ClusterIP":
        return None
    port = next((p for p in service["spec"].get("ports") or () if p["port"] == number), None)
    if port is None:
        return Verdict(False, "ServicePortError", f"{called} is not listening on port {number}")
    if not slices:
        return Verdict(False, "EndpointsNotFound", f"cannot find endpointslices for {called}")
    port_name = port.get("name") or ""
    if not any(_answers(piece, port_name) for piece in slices):
        text = f'endpoints for {called} have no addresses with port name "{port_name}"'
        return Verdict(False, "MissingEndpoints", text)
    return None


def failed(url: str, why: str) -> Verdict:
    """Return what is said of a server that did not answer well."""
    return Verdict(False, "FailedDiscoveryCheck", f"failing or missing response from {url}: {why}")


def _answers(piece: Object, port_name: str) -> bool:
    has_port = any(port.name == port_name for port in meaning.ports(piece))
    return has_port and any(meaning.is_ready(endpoint) for endpoint in meaning.endpoints(piece))
