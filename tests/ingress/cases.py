"""The corpus' cases: objects, requests, answers. A file per feature, a YAML document per case.

    case: a sentence about what holds
    annotations: those of the Ingress `web`, without prefix     (or `ingresses:`, each with name, annotations, paths, …)
    paths: {/: web}                      path -> Service; `{path, type, service}` for more
    tls: true                            the host has TLS
    secrets: {NAME: {KEY: TEXT}}
    config_maps: {NAME: {KEY: TEXT}}
    services: {NAME: {…spec}}            over the usual Service; endpoints: NAME of the echo server, or none;
                                         port: NAME, whose port is the Service's, by the name 80
    warns: [TEXT, …]                     what is reported; without it nothing must be
    ask:
    - {get: /x, status: 200, …}          see `Request`

The first document of a file in `corpus/settings/` may be `settings: {KEY: TEXT}`, the controller's ConfigMap, with
`warns:` and `config_maps: {NAME: {KEY: TEXT}}` beside it: such a file has a nginx of its own.

`{host}` stands for the case's own host in every text, `{NAME port}` in annotations for the port of an echo server. All
other cases are served by one nginx.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.ingress.echo import Answer
from tests.ingress.objects import endpoint_slice, ingress, path, rule, service
from wherry.objects import Object

CORPUS = Path(__file__).parent / "corpus/requests"
SETTINGS = Path(__file__).parent / "corpus/settings"
CONTROLLER = "ingress-nginx"
"""The controller's own namespace."""
METHODS = ("get", "post", "put", "patch", "delete", "options", "head")


@dataclass(frozen=True)
class Request:
    """One question and what must come back.

    Asked: the method with its path, `host`, `tls`, `headers`, `body`; `proxy`: a line of the PROXY protocol. Expected:
    `status` (200), `backend`, `path` and
    `sees` (headers) as the endpoint tells; `header`: of the answer, null for none; `says`: text in the body.
    `cookies: true` sends the cookie of the answer before. `times: N` asks so often (`{n}` in the path counts);
    `backends: [NAME, …]` are then all that answered, `one`: just one.
    """

    method: str
    target: str
    host: str
    given: Mapping[str, Any]

    def wrong(self, answer: Answer) -> list[str]:
        """Return what differs from what is expected."""
        found = []
        for what, wanted, got in self._compared(answer):
            if wanted is None or got is None:
                ok = wanted == got
            elif isinstance(wanted, str) and wanted.startswith("~"):
                ok = re.search(wanted[1:], str(got)) is not None
            else:
                ok = wanted == got or str(wanted) == str(got)
            if not ok:
                found.append(f"{self.method} {self.target}: {what}: wanted {wanted!r}, got {got!r}")
        return found

    def _compared(self, answer: Answer) -> Iterator[tuple[str, Any, Any]]:
        given = self.given
        yield "status", given.get("status", 200), answer.status
        for key in ("backend", "path", "method"):
            if key in given:
                yield key, given[key], answer.told.get(key)
        seen = {name.lower(): value for name, value in answer.told.get("headers", {}).items()}
        for name, wanted in given.get("sees", {}).items():
            yield f"request header {name}", wanted, seen.get(name.lower())
        for name, wanted in given.get("header", {}).items():
            yield f"header {name}", wanted, answer.headers.get(name)
        if "says" in given:
            yield "body", "~" + re.escape(given["says"]), answer.text


@dataclass(frozen=True)
class Case:
    name: str
    host: str
    namespace: str
    given: Mapping[str, Any]
    requests: list[Request] = field(default_factory=list)

    def objects(self, ports: Mapping[str, int]) -> Iterator[Object]:
        """Yield its objects; `ports` are those of the echo servers by name."""
        given = self.given
        ingresses = given.get("ingresses") or [{k: given[k] for k in ("annotations", "paths", "tls") if k in given}]
        used: set[str] = set(given.get("services") or {})
        for number, one in enumerate(ingresses):
            yield self._ingress(one, number, ports)
            used |= {p.get("service", "web") if isinstance(p, dict) else p for p in _paths(one)}
        for name in sorted(used):
            spec = dict((given.get("services") or {}).get(name) or {})
            endpoints = spec.pop("endpoints", name if name in ports else "web")
            port_name = "80" if "port" in spec else ""
            if port_name:
                number = ports[spec.pop("port")]
                spec["ports"] = [{"port": number, "targetPort": number, "name": "80"}]
            yield service(name, namespace=self.namespace, **spec)
            if endpoints != "none":
                targets = [("127.0.0.1", ports[e]) for e in str(endpoints).split()]
                for index, target in enumerate(targets):
                    yield endpoint_slice(name, target, namespace=self.namespace, suffix=str(index), port_name=port_name)
        for name, data in (given.get("config_maps") or {}).items():
            yield config_map(name, self.namespace, data, ports)
        for name, data in (given.get("secrets") or {}).items():
            encoded = {k: base64.b64encode(v.encode()).decode() for k, v in data.items()}
            meta = {"name": name, "namespace": self.namespace}
            yield {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "Opaque", "data": encoded}

    def _ingress(self, one: Mapping[str, Any], number: int, ports: Mapping[str, int]) -> Object:
        host = one.get("host", self.host)
        paths = [
            path(p["path"], p.get("service", "web"), path_type=p.get("type", "ImplementationSpecific"))
            if isinstance(p, dict)
            else path(at, p)
            for at, p in _items(one.get("paths") or {"/": "web"})
        ]
        marks = {k: _text(v, ports) for k, v in (one.get("annotations") or {}).items()}
        spec = {"tls": [{"hosts": [host]}]} if one.get("tls") else {}
        created = f"2026-01-01T00:00:{number:02}Z"
        name = one.get("name", "web" if not number else f"web{number}")
        return ingress(name, rule(host, *paths), namespace=self.namespace, annotations=marks, created=created, **spec)


def _text(value: Any, ports: Mapping[str, int]) -> str:
    """Return an annotation's text."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return re.sub(r"\{(\w+) port\}", lambda found: str(ports[found[1]]), text)


def _items(paths: Any) -> Iterable[tuple[str, Any]]:
    return paths.items() if isinstance(paths, dict) else [(p["path"], p) for p in paths]


def _paths(one: Mapping[str, Any]) -> list[Any]:
    return [p for _, p in _items(one.get("paths") or {"/": "web"})]


@dataclass(frozen=True)
class Group:
    """The cases one nginx serves, and its settings."""

    name: str
    cases: list[Case]
    settings: Mapping[str, Any] = field(default_factory=dict)

    def objects(self, ports: Mapping[str, int]) -> Iterator[Object]:
        """Yield the controller's ConfigMap, those beside it, and the objects of the cases."""
        yield config_map("settings", CONTROLLER, self.settings.get("settings") or {}, ports)
        for name, data in (self.settings.get("config_maps") or {}).items():
            yield config_map(name, CONTROLLER, data, ports)
        for case in self.cases:
            yield from case.objects(ports)


def config_map(name: str, namespace: str, data: Mapping[str, Any], ports: Mapping[str, int]) -> Object:
    texts = {key: _text(value, ports) for key, value in data.items()}
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": texts}


def groups() -> list[Group]:
    """Return all: what needs no settings in one, and each file with settings."""
    plain = [case for file in sorted(CORPUS.glob("*.yaml")) for case in cases(file)]
    return [Group("usual", plain), *(_group(file) for file in sorted(SETTINGS.glob("*.yaml")))]


def _group(file: Path) -> Group:
    head, _, _ = file.read_text().partition("\n---\n")
    return Group(file.stem, cases(file), yaml.safe_load(head))


def cases(file: Path) -> list[Case]:
    """Return the cases of one file."""
    found = []
    for number, text in enumerate(re.split(r"^---$", file.read_text(), flags=re.MULTILINE)):
        if text.startswith("settings:"):
            continue
        host = f"c{number}.{file.stem}.test"
        given = yaml.safe_load(text.replace("{host}", host))
        requests = [request(one, host) for one in given["ask"]]
        found.append(Case(given["case"], host, f"{file.stem}-{number}", given, requests))
    return found


def request(given: Mapping[str, Any], host: str) -> Request:
    """Return a request as a case has it."""
    method = next(m for m in METHODS if m in given)
    return Request(method.upper(), given[method], given.get("host", host), given)
