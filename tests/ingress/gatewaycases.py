"""The corpus of Gateway API: objects, requests, answers, conditions. A file per subject, a YAML document per case.

    case: a sentence about what holds
    listeners: [{…}]                     of the Gateway `gateway`; one of HTTP for the case's host unless given
    gateway: {…}                         more of its spec
    routes: {NAME: {…spec}}              parentRefs is that Gateway and hostnames the case's host unless given
    services: {NAME: {…spec}}            over the usual Service; `endpoints: none`; web, v2, v3, other are echo servers
    objects: [{…}]                       others, as they are
    certificate: NAME                    a Secret with a certificate for the case's host
    warns: [TEXT, …]                     what is reported of the case; without it nothing must be
    says: {KIND/NAME: {CONDITION: REASON}}; a listener is KIND/NAME/LISTENER; `-` before the reason: it is False
    ask:
    - {get: /x, status: 200, …}          see `cases.Request`

`{host}` stands for the case's own host, `{namespace}` for its namespace. One nginx serves all.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.ingress.cases import Request, request
from tests.ingress.certificates import make_certificate
from tests.ingress.objects import endpoint_slice, service
from wherry.ingress.fronts.gateway.resources import CLASSES, CONTROLLER, GATEWAYS, ROUTES
from wherry.objects import Object

CORPUS = Path(__file__).parent / "corpus/gateway"
ECHOES = ("web", "v2", "v3", "other")
CLASS: Object = {
    "apiVersion": CLASSES.api_version,
    "kind": CLASSES.kind,
    "metadata": {"name": "wherry"},
    "spec": {"controllerName": CONTROLLER},
}


@dataclass(frozen=True)
class Case:
    name: str
    host: str
    namespace: str
    given: Mapping[str, Any]
    requests: list[Request]

    def objects(self, ports: Mapping[str, int]) -> Iterator[Object]:
        """Yield its objects; `ports` are those of the echo servers by name."""
        given = self.given
        listeners = given.get("listeners") or [{}]
        usual = {"name": "http", "port": 80, "protocol": "HTTP", "hostname": self.host}
        made = [{k: v for k, v in {**usual, **one}.items() if v != ""} for one in listeners]
        yield self._object(
            GATEWAYS, "gateway", {"gatewayClassName": "wherry", "listeners": made, **given.get("gateway", {})}
        )
        for number, (name, spec) in enumerate((given.get("routes") or {}).items()):
            whole = {"parentRefs": [{"name": "gateway"}], "hostnames": [self.host], **spec}
            yield self._object(ROUTES, name, whole, f"2026-01-01T00:00:{number:02}Z")
        for name in {*ECHOES, *(given.get("services") or {})}:
            spec = dict((given.get("services") or {}).get(name) or {})
            endpoints = spec.pop("endpoints", name)
            yield service(name, namespace=self.namespace, **spec)
            if endpoints in ports:
                yield endpoint_slice(name, ("127.0.0.1", ports[endpoints]), namespace=self.namespace)
        yield from given.get("objects") or ()
        if "certificate" in given:
            chain, key = make_certificate(self.host)
            data = {"tls.crt": base64.b64encode(chain).decode(), "tls.key": base64.b64encode(key).decode()}
            meta = {"name": given["certificate"], "namespace": self.namespace}
            yield {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "kubernetes.io/tls", "data": data}

    def _object(self, resource: Any, name: str, spec: Object, created: str = "2026-01-01T00:00:00Z") -> Object:
        meta = {"name": name, "namespace": self.namespace, "creationTimestamp": created, "generation": 1}
        return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": meta, "spec": spec}


def cases() -> list[Case]:
    """Return all cases."""
    return [case for file in sorted(CORPUS.glob("*.yaml")) for case in _cases(file)]


def _cases(file: Path) -> Iterator[Case]:
    for number, text in enumerate(re.split(r"^---$", file.read_text(), flags=re.MULTILINE)):
        host, namespace = f"c{number}.{file.stem}.test", f"{file.stem}-{number}"
        given = yaml.safe_load(text.replace("{host}", host).replace("{namespace}", namespace))
        yield Case(given["case"], host, namespace, given, [request(one, host) for one in given.get("ask") or ()])


def conditions(kind: str, obj: Object, listener: str = "") -> dict[str, str]:
    """Return the reasons of an object's conditions, `-` before those that are False."""
    status = obj.get("status") or {}
    found = status.get("conditions") or []
    if kind == ROUTES.kind:
        found = [c for parent in status.get("parents") or () for c in parent["conditions"]]
    if listener:
        found = next(one["conditions"] for one in status["listeners"] if one["name"] == listener)
    return {c["type"]: ("" if c["status"] == "True" else "-") + c["reason"] for c in found}


KINDS = {resource.kind: resource for resource in (CLASSES, GATEWAYS, ROUTES)}
