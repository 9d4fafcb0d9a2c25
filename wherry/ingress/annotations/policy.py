"""The typed values of one Ingress' annotations."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """What an Ingress' annotations ask for; None leaves the decision to the ConfigMap (`Settings`).

    `denied` says why no request must be let through: an annotation that restricts access could not be honoured.
    """

    rewrite_target: str = ""
    use_regex: bool = False
    ssl_redirect: bool | None = None
    force_ssl_redirect: bool | None = None
    proxy_body_size: str | None = None
    proxy_connect_timeout: int | None = None
    proxy_read_timeout: int | None = None
    proxy_send_timeout: int | None = None
    backend_protocol: str = "HTTP"
    denied: str = ""

    @property
    def regex(self) -> bool:
        """Whether paths are regular expressions: asked for, or implied by rewriting (ingress-nginx' rule)."""
        return self.use_regex or bool(self.rewrite_target)
