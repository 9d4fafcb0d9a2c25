"""What a feature answers in the endpoint's place, for those who ask beforehand: `wherry ingress explain`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as far as it decides who answers.

    `host` is the Host header, `name` the host alone; `uri` is path and query as asked, `path` what nginx compares;
    `client` is an address, "" for anybody's. `secure_port` is what stands behind the host in a redirect to https.
    """

    scheme: str
    host: str
    name: str
    uri: str
    path: str
    client: str = ""
    secure_port: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer without the endpoint: status, why, where to; `when` it is given, "" for always."""

    status: int
    why: str
    to: str = ""
    when: str = ""
