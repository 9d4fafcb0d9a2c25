"""Who the client is and what it asked for, where others stand in front of us: X-Forwarded headers, the PROXY protocol.

Whoever may say so says it about everybody, so address lists are only as good as `proxy-real-ip-cidr`: that it is
honoured is a restriction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Setting
from wherry.ingress.features.directive import Line, Text, block, flag, line
from wherry.ingress.features.part import Part
from wherry.ingress.features.policy import Policy

ANYBODY: Final = ("0.0.0.0/0", "::/0")

SETTINGS: Final = (
    Setting(name="use-forwarded-headers", read=values.boolean, default=False),
    Setting(name="enable-real-ip", read=values.boolean, default=False),
    Setting(name="use-proxy-protocol", read=values.boolean, default=False, restricts=True),
    Setting(name="forwarded-for-header", read=values.header, default="X-Forwarded-For", restricts=True),
    Setting(name="proxy-real-ip-cidr", read=values.networks, default=ANYBODY, restricts=True),
    Setting(name="compute-full-forwarded-for", read=values.boolean, default=False),
    Setting(name="proxy-add-original-uri-header", read=values.boolean, default=False),
    Setting(name="generate-request-id", read=values.boolean, default=True),
)


@dataclass(frozen=True)
class Forwarded(Part):
    """Whose word is taken for whom: `headers_hold` for all of X-Forwarded-*, `address_holds` for the address alone."""

    headers_hold: bool = False
    address_holds: bool = False
    proxied: bool = False
    header: str = "X-Forwarded-For"
    trusted: tuple[str, ...] = ANYBODY
    full: bool = False
    original_uri: bool = False
    makes_ids: bool = True

    def http(self) -> Iterator[Line]:
        """Say whose word is taken, and make `$client_scheme`, `$client_port`, `$best_http_host` and `$req_id` of it."""
        if self.headers_hold or self.address_holds or self.proxied:
            yield line("real_ip_header", "proxy_protocol" if self.proxied else self.header)
            yield line("real_ip_recursive", flag(True))
            for network in self.trusted:
                yield line("set_real_ip_from", network)
        yield _map("$scheme:$proxy_protocol_server_port", "$own_scheme", "$scheme", {"~:443$": "https"})
        yield self._said("proto", "$client_scheme", "$own_scheme")
        yield _map("$server_port", "$own_port", "$server_port", {"": "$proxy_protocol_server_port"})
        yield self._said("port", "$client_port", "$own_port")
        yield self._host()
        yield _map("$client_host", "$best_http_host", "$client_host", {"": "$host"})
        yield _map("$http_x_request_id", "$req_id", "$http_x_request_id", {"": "$request_id" if self.makes_ids else ""})
        if self.full:
            own = "$proxy_protocol_addr" if self.proxied else "$realip_remote_addr"
            said = {"": own}
            yield _map("$http_x_forwarded_for", "$full_forwarded_for", f"$http_x_forwarded_for, {own}", said)

    def headers(self) -> Mapping[str, Text]:
        """Tell the endpoint who came through whom."""
        full = {"X-Forwarded-For": Text("$full_forwarded_for")} if self.full else {}
        uri = {"X-Original-URI": Text("$request_uri")} if self.original_uri else {}
        return {"X-Original-Forwarded-For": Text(_variable(self.header)), **full, **uri}

    def _said(self, what: str, variable: str, own: str) -> Line:
        """Return what X-Forwarded-`what` says where it holds, and else what we know ourselves."""
        source = f"$http_x_forwarded_{what}" if self.headers_hold else own
        return _map(source, variable, source, {"": own} if self.headers_hold else {})

    def _host(self) -> Line:
        """Return the host asked for; of several that proxies name, the first: what the client said."""
        if not self.headers_hold:
            return _map("$http_host", "$client_host", "$http_host", {})
        first = {"": "$http_host", "~^(?<first_forwarded_host>[^,]*),": "$first_forwarded_host"}
        return _map("$http_x_forwarded_host", "$client_host", "$http_x_forwarded_host", first)


def _map(source: str, variable: str, default: str, cases: Mapping[str, str]) -> Line:
    of = (line("default", Text(default)), *(line(Text(case), Text(value)) for case, value in cases.items()))
    return block("map", Text(source), Text(variable), of=of)


def _variable(header: str) -> str:
    return f"$http_{header.lower().replace('-', '_')}"


def everywhere(policy: Policy) -> Forwarded:
    """Return whose word is taken."""
    holds = policy["use-forwarded-headers"]
    return Forwarded(
        headers_hold=holds,
        address_holds=policy["enable-real-ip"],
        proxied=policy["use-proxy-protocol"],
        header=policy["forwarded-for-header"],
        trusted=policy["proxy-real-ip-cidr"],
        full=holds and policy["compute-full-forwarded-for"],
        original_uri=policy["proxy-add-original-uri-header"],
        makes_ids=policy["generate-request-id"],
    )
