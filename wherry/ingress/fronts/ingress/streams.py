"""TCP and UDP services: a ConfigMap whose keys are ports of the node and whose values are `namespace/service:port`.

nginx forwards to the Service's cluster IP and the service proxy balances from there, so endpoints may change without a
reload. ingress-nginx balanced over the endpoints itself. A third word, `PROXY`, says that clients begin with the PROXY
protocol, a fourth that the Service is told by it (`ns/svc:80::PROXY` is the fourth alone).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, Literal

from wherry.ingress.route.backend import find_port
from wherry.ingress.route.problem import Key
from wherry.ingress.route.stream import Stream
from wherry.objects import Object
from wherry.objects.meaning.services import cluster_ips

_TARGET: Final = re.compile(r"([a-z0-9.-]+)/([a-z0-9.-]+):([a-z0-9-]+)(:PROXY|:)?(:PROXY|:)?", re.ASCII | re.IGNORECASE)


def streams(
    config_map: Object,
    protocol: Literal["TCP", "UDP"],
    services: Mapping[Key, Object],
    reserved: frozenset[int],
    report: Callable[[str], None],
) -> list[Stream]:
    """Return the streams of one ConfigMap; `report` gets a sentence for each entry that cannot be served."""
    found = []
    for key, text in sorted((config_map.get("data") or {}).items()):
        try:
            found.append(_stream(key, text.strip(), protocol, services, reserved))
        except ValueError as error:
            report(f"entry {key!r} is ignored: {error}")
    return found


def _stream(
    key: str, text: str, protocol: Literal["TCP", "UDP"], services: Mapping[Key, Object], reserved: frozenset[int]
) -> Stream:
    if not re.fullmatch(r"[0-9]{1,5}", key, re.ASCII) or not 0 < int(key) < 65_536:
        raise ValueError("the key must be a port number")
    if int(key) in reserved:
        raise ValueError("the port is taken by this controller")
    target = _TARGET.fullmatch(text)
    if not target:
        raise ValueError(f"expected namespace/service:port, got {text!r}")
    service = services.get((target[1], target[2]))
    if service is None:
        raise ValueError(f"Service {target[1]}/{target[2]} does not exist")
    port = find_port(service, target[3], protocol)
    if port is None:
        raise ValueError(f"Service {target[1]}/{target[2]} has no {protocol} port {target[3]}")
    name = f"{target[1]}/{target[2]}:{target[3]}"
    decode, encode = (len(target[group] or "") > 1 for group in (4, 5))
    if protocol == "UDP" and (decode or encode):
        raise ValueError("the PROXY protocol is for TCP")
    return Stream(int(key), protocol, _cluster_ip(service), port["port"], name, decode, encode)


def _cluster_ip(service: Object) -> str:
    found = cluster_ips(service)
    if not found:
        raise ValueError("the Service has no cluster IP")
    return found[0]
