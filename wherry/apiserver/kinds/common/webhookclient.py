"""How a webhook is reached: by URL, or by a Service of the cluster.

Source: apiserver pkg/util/webhook/validation.go.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509

from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError

_FORM = "; desired format: https://host[/path]"


def errors(config: Object, path: str) -> Iterator[FieldError]:
    """Yield what is wrong with a `clientConfig`."""
    url, service = config.get("url"), config.get("service")
    if (url is None) == (service is None):
        yield fields.required(path, "exactly one of url or service is required")
    elif url is not None:
        yield from _url(url, f"{path}.url")
    elif service is not None:
        yield from _service(service, f"{path}.service")


def default(config: Object) -> None:
    """Fill in the port of a `clientConfig`, in place."""
    if (service := config.get("service")) is not None and service.get("port") is None:
        service["port"] = 443


def bundle_problem(bundle: str) -> str:
    """Return what is wrong with a `caBundle` (base64 of PEM), "" when nothing is."""
    try:
        x509.load_pem_x509_certificates(base64.b64decode(bundle))
    except ValueError as error:
        return f"unable to load root certificates: {error}"
    return ""


def _url(url: str, path: str) -> Iterator[FieldError]:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        yield fields.required(path, f"url must be a valid URL: {error}{_FORM}")
        return
    if parts.scheme != "https":
        yield fields.invalid(path, parts.scheme, f"'https' is the only allowed URL scheme{_FORM}")
    if not parts.netloc.rpartition("@")[2]:
        yield fields.invalid(path, "", f"host must be specified{_FORM}")
    unwanted: tuple[tuple[Any, str], ...] = (
        (parts.netloc.rpartition("@")[0], "user information is not permitted in the URL"),
        (parts.fragment, "fragments are not permitted in the URL"),
        (parts.query, "query parameters are not permitted in the URL"),
    )
    yield from (fields.invalid(path, value, text) for value, text in unwanted if value)


def _service(service: Object, path: str) -> Iterator[FieldError]:
    for key in ("name", "namespace"):
        if not service.get(key):
            yield fields.required(f"{path}.{key}")
    port = service.get("port", 443)
    if not 0 < port < 1 << 16:
        text = "port is not valid: must be between 1 and 65535, inclusive"
        yield fields.invalid(f"{path}.port", port, text)
    yield from _path(service.get("path"), f"{path}.path")


def _path(text: str | None, path: str) -> Iterator[FieldError]:
    if text in (None, "", "/"):
        return
    assert text is not None
    if text == "//":
        yield fields.invalid(path, text, "segment[0] may not be empty")
        return
    if not text.startswith("/"):
        yield fields.invalid(path, text, "must start with a '/'")
    for i, step in enumerate(text[1:].removesuffix("/").split("/")):
        if not step:
            yield fields.invalid(path, text, f"segment[{i}] may not be empty")
            continue
        yield from (fields.invalid(path, text, f"segment[{i}]: {m}") for m in names.dns_subdomain(step))
