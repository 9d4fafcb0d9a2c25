"""A Gateway's listeners: what is wrong with each, its certificate, and which routes it lets attach (`Listener`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from wherry.ingress.fronts.gateway.condition import ACCEPTED, CONFLICTED, RESOLVED, Condition
from wherry.ingress.fronts.gateway.grants import Reference, permitted
from wherry.ingress.fronts.gateway.hostname import ANY
from wherry.ingress.fronts.gateway.resources import GROUP, ROUTES
from wherry.ingress.fronts.gateway.snapshot import Gateways, Others, Ports
from wherry.ingress.route.certificate import BadCertificate, Certificate, read_certificate
from wherry.ingress.route.problem import Key
from wherry.objects import Object, metadata, selectors

SCHEMES: Final[Mapping[str, str]] = {"HTTP": "http", "HTTPS": "https"}
"""What nginx serves by a table, by a listener's protocol."""


@dataclass(frozen=True, slots=True)
class Listener:
    """One listener. `spec` is as the Gateway has it; `conditions` all but Programmed, which follows from them."""

    gateway: Key
    name: str
    port: int
    scheme: str
    """http or https, "" for a protocol we do not serve."""
    hostname: str
    spec: Mapping[str, Any]
    conditions: tuple[Condition, ...] = ()
    certificate: Certificate | None = None

    @property
    def open(self) -> bool:
        """Whether routes may attach: it is accepted and in nobody's way."""
        return self._says(ACCEPTED, True) and self._says(CONFLICTED, False)

    @property
    def serves(self) -> bool:
        """Whether it gets requests: it is open, and https has a certificate."""
        return self.open and (self.scheme != "https" or self.certificate is not None)

    @property
    def takes_routes(self) -> bool:
        """Whether HTTPRoutes are among the kinds that it allows."""
        kinds = (self.spec.get("allowedRoutes") or {}).get("kinds")
        return not kinds or any(_is_route(kind) for kind in kinds)

    def allows(self, namespace: str, labels: Mapping[str, str]) -> bool:
        """Whether routes of a namespace, whose labels these are, may attach; Same is the default."""
        namespaces = (self.spec.get("allowedRoutes") or {}).get("namespaces") or {}
        whom = namespaces.get("from", "Same")
        if whom == "Selector":
            return selectors.stored(namespaces.get("selector") or {}).matches(labels)
        return whom == "All" or (whom == "Same" and namespace == self.gateway[0])

    def _says(self, type: str, status: bool) -> bool:
        return any(c.type == type and c.status is status for c in self.conditions)


def listeners(gateway: Object, gateways: Gateways, others: Others, ports: Ports) -> list[Listener]:
    """Return the listeners of a Gateway, in its order."""
    made = [_listener(gateway, spec) for spec in (gateway.get("spec") or {}).get("listeners") or ()]
    of_port = {port: {one.spec.get("protocol") for one in made if one.port == port} for port in {x.port for x in made}}
    twice = Counter((one.port, one.hostname) for one in made)
    found = []
    for one in made:
        conditions = [_accepted(one, ports)]
        if len(of_port[one.port]) > 1:
            said = " and ".join(sorted(map(str, of_port[one.port])))
            conditions.append(Condition(CONFLICTED, True, "ProtocolConflict", f"port {one.port} is {said}"))
        elif twice[one.port, one.hostname] > 1:
            what = f"two listeners have port {one.port} and hostname {one.hostname or 'none'}"
            conditions.append(Condition(CONFLICTED, True, "HostnameConflict", what))
        else:
            conditions.append(Condition(CONFLICTED, False, "NoConflicts"))
        certificate, resolved = _resolved(one, gateways, others)
        found.append(replace(one, conditions=(*conditions, resolved), certificate=certificate))
    return found


def _listener(gateway: Object, spec: Mapping[str, Any]) -> Listener:
    scheme = SCHEMES.get(spec.get("protocol", ""), "")
    hostname = (spec.get("hostname") or ANY).lower()
    return Listener(metadata.key(gateway), spec["name"], spec["port"], scheme, hostname, spec)


def _accepted(one: Listener, ports: Ports) -> Condition:
    if not one.scheme:
        what = f"protocol {one.spec.get('protocol')} is not supported: HTTP and HTTPS are"
        return Condition(ACCEPTED, False, "UnsupportedProtocol", what)
    there = ports.https if one.scheme == "https" else ports.http
    if one.port not in there:
        what = f"{one.spec['protocol']} is served on port {_numbers(there)}, not on {one.port}"
        return Condition(ACCEPTED, False, "PortUnavailable", what)
    return Condition(ACCEPTED, True, "Accepted")


def _numbers(ports: frozenset[int]) -> str:
    return " or ".join(map(str, sorted(ports)))


def _resolved(one: Listener, gateways: Gateways, others: Others) -> tuple[Certificate | None, Condition]:
    """Return the certificate, and whether all that the listener names is there."""
    certificate: Certificate | None = None
    wrong: list[tuple[str, str]] = []
    if one.scheme == "https":
        certificate, wrong = _certificate(one, gateways, others)
    unknown = [kind for kind in (one.spec.get("allowedRoutes") or {}).get("kinds") or () if not _is_route(kind)]
    if unknown:
        said = ", ".join(f"{kind.get('group', GROUP)}/{kind.get('kind')}" for kind in unknown)
        wrong.append(("InvalidRouteKinds", f"routes of {said} are not supported"))
    if wrong:
        return certificate, Condition(RESOLVED, False, wrong[0][0], "; ".join(message for _, message in wrong))
    return certificate, Condition(RESOLVED, True, "ResolvedRefs")


def _is_route(kind: Mapping[str, Any]) -> bool:
    return kind.get("group", GROUP) == GROUP and kind.get("kind") == ROUTES.kind


def _certificate(one: Listener, gateways: Gateways, others: Others) -> tuple[Certificate | None, list[tuple[str, str]]]:
    """Return the first certificate that can be used, and (reason, message) of all that is wrong."""
    tls = one.spec.get("tls") or {}
    if tls.get("mode", "Terminate") != "Terminate":
        return None, [("InvalidCertificateRef", "tls.mode Passthrough is not supported for HTTPS")]
    if tls.get("options"):
        return None, [("InvalidCertificateRef", f"tls.options {', '.join(sorted(tls['options']))}: not supported")]
    if tls.get("frontendValidation"):
        # Whom it lets in is a restriction: what cannot be honoured closes.
        return None, [("InvalidCertificateRef", "tls.frontendValidation is not supported")]
    found, wrong = None, []
    for outcome in _certificates(one, tls, gateways, others):
        if isinstance(outcome, Certificate):
            found = found or outcome
        else:
            wrong.append(outcome)
    if found is None and not wrong:
        wrong.append(("InvalidCertificateRef", "tls.certificateRefs names no Secret"))
    return found, wrong


def _certificates(
    one: Listener, tls: Mapping[str, Any], gateways: Gateways, others: Others
) -> Iterator[Certificate | tuple[str, str]]:
    namespace = one.gateway[0]
    for ref in tls.get("certificateRefs") or ():
        group, kind = ref.get("group", ""), ref.get("kind", "Secret")
        key = (ref.get("namespace") or namespace, ref["name"])
        if (group, kind) != ("", "Secret"):
            yield (
                "InvalidCertificateRef",
                f"{group or 'core'}/{kind} {key[0]}/{key[1]} holds no certificate: a Secret does",
            )
            continue
        if not permitted(Reference(GROUP, "Gateway", namespace, "", "Secret", *key), gateways.grants):
            yield "RefNotPermitted", f"no ReferenceGrant of {key[0]} lets Gateways of {namespace} use Secret {key[1]}"
            continue
        secret = others.secrets.get(key)
        if secret is None:
            yield "InvalidCertificateRef", f"Secret {key[0]}/{key[1]} does not exist"
            continue
        try:
            yield read_certificate(secret)
        except BadCertificate as error:
            yield "InvalidCertificateRef", f"Secret {key[0]}/{key[1]} cannot be used: {error}"
