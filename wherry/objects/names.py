"""Names: generated ones, and the checks on given ones with Kubernetes' message texts.

A check returns the messages to put in `fields.invalid` (an empty list: the name is good).
Source of rules and texts: k8s.io/apimachinery v0.37 pkg/util/validation, pkg/api/validate/content, pkg/util/rand.
"""

from __future__ import annotations

import ipaddress
import json
import re
import secrets
from collections.abc import Callable, Mapping
from urllib.parse import quote

from wherry.objects import Object

ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""Characters of generated names: no vowels, so no words appear by accident."""

LONGEST_PATH_SEGMENT = 2048
"""Bytes of an escaped path segment: with a namespace and a selector for it, a request's line stays below 8 KiB."""

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_KEY = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = f"({_KEY})?"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"

_label_re = re.compile(_LABEL)
_subdomain_re = re.compile(_SUBDOMAIN)
_wildcard_re = re.compile(r"\*\." + _SUBDOMAIN)
_label_1035_re = re.compile(_LABEL_1035)
_key_re = re.compile(_KEY)
_label_value_re = re.compile(_LABEL_VALUE)
_config_key_re = re.compile(_CONFIG_KEY)

_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    "and must start and end with an alphanumeric character"
)
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character"
)
_WILDCARD_RULE = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of "
    "lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character"
)
_LABEL_1035_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', "
    "start with an alphabetic character, and end with an alphanumeric character"
)
_KEY_RULE = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)
_LABEL_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character"
)


def random_suffix(length: int = 5) -> str:
    """Return `length` random characters of `ALPHABET`: the end of a generated name."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def generate(base: str, max_length: int = 63) -> str:
    """Return `base` (a metadata.generateName) with five random characters, cut so that both fit `max_length`."""
    return base[: max_length - 5] + random_suffix()


def template_hash(template: Object, collision_count: int = 0) -> str:
    """Return the pod-template-hash of a pod template: the same for equal templates, whatever their key order.

    Up to ten characters of `ALPHABET`: a 32-bit FNV-1a hash in decimal, spelled safely, as Deployments show it. The
    value is not the one Go computes (that hashes a dump of Go memory); only the owning controller may rely on it.
    """
    text = json.dumps(template, sort_keys=True, separators=(",", ":")).encode()
    if collision_count:
        text += collision_count.to_bytes(4, "little")
    value = 0x811C9DC5
    for byte in text:
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return "".join(ALPHABET[ord(digit) % len(ALPHABET)] for digit in str(value))


def _too_long(limit: int, unit: str = "characters") -> str:
    return f"must be no more than {limit} {unit}"


def _mismatch(rule: str, pattern: str, *examples: str) -> str:
    # Upstream's own grouping: every example carries its comma, so more than one read "'a',  or 'b', ".
    shown = " or ".join(f"'{e}', " for e in examples)
    return f"{rule} (e.g. {shown}regex used for validation is '{pattern}')"


def dns_label(value: str) -> list[str]:
    """Check an RFC 1123 label: namespaces, container names, host names."""
    errors = [_too_long(63)] if len(value) > 63 else []
    if not _label_re.fullmatch(value):
        if _subdomain_re.fullmatch(value):
            errors.append("must not contain dots")
        else:
            errors.append(_mismatch(_LABEL_RULE, _LABEL, "my-name", "123-abc"))
    return errors


def dns_subdomain(value: str) -> list[str]:
    """Check an RFC 1123 subdomain: the name of most objects, an Ingress host."""
    errors = [_too_long(253)] if len(value) > 253 else []
    if not _subdomain_re.fullmatch(value):
        errors.append(_mismatch(_SUBDOMAIN_RULE, _SUBDOMAIN, "example.com"))
    return errors


def wildcard_subdomain(value: str) -> list[str]:
    """Check `*.` before an RFC 1123 subdomain: a wildcard Ingress host."""
    errors = [_too_long(253)] if len(value) > 253 else []
    if not _wildcard_re.fullmatch(value):
        errors.append(_mismatch(_WILDCARD_RULE, r"\*\." + _SUBDOMAIN, "*.example.com"))
    return errors


def service_name(value: str) -> list[str]:
    """Check an RFC 1035 label: a Service's name."""
    errors = [_too_long(63)] if len(value) > 63 else []
    if not _label_1035_re.fullmatch(value):
        errors.append(_mismatch(_LABEL_1035_RULE, _LABEL_1035, "my-name", "abc-123"))
    return errors


def path_segment(value: str) -> list[str]:
    """Check a name that only has to be safe in a URL path: RBAC objects.

    Upstream sets no bound, and etcd's is megabytes; here a name fits into a request's line, however it is escaped.
    """
    if value in (".", ".."):
        return [f"may not be '{value}'"]
    if len(quote(value, safe="", errors="replace")) > LONGEST_PATH_SEGMENT:
        return [f"must be no more than {LONGEST_PATH_SEGMENT} bytes when escaped for a URL"]
    return [f"may not contain '{bad}'" for bad in ("/", "%") if bad in value]


def qualified_name(value: str) -> list[str]:
    """Check an optionally prefixed name (`example.com/name`): label and annotation keys, resource names, finalizers."""
    *prefix, name = value.split("/")
    if len(prefix) > 1:
        text = _mismatch(_KEY_RULE, _KEY, "MyName", "my.name", "123-abc")
        return [f"a valid label key {text} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"]
    errors = []
    if prefix:
        messages = dns_subdomain(prefix[0]) if prefix[0] else ["must be non-empty"]
        # The prefix is counted in bytes where a whole name is counted in characters; only the word differs.
        errors += [f"prefix part {m.replace('253 characters', '253 bytes')}" for m in messages]
    if not name:
        errors.append("name part must be non-empty")
    elif len(name) > 63:
        errors.append(f"name part {_too_long(63, 'bytes')}")
    if not _key_re.fullmatch(name):
        errors.append("name part " + _mismatch(_KEY_RULE, _KEY, "MyName", "my.name", "123-abc"))
    return errors


label_key: Callable[[str], list[str]] = qualified_name
"""Check a label's key."""


def label_value(value: str) -> list[str]:
    """Check a label's value."""
    errors = [_too_long(63, "bytes")] if len(value) > 63 else []
    if not _label_value_re.fullmatch(value):
        errors.append(_mismatch(_LABEL_VALUE_RULE, _LABEL_VALUE, "MyValue", "my_value", "12345"))
    return errors


def port_name(value: str) -> list[str]:
    """Check an IANA service name: a container port's name, a named target port."""
    errors = [_too_long(15)] if len(value) > 15 else []
    if not re.fullmatch("[-a-z0-9]+", value):
        errors.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", value):
        errors.append("must contain at least one letter (a-z)")
    if "--" in value:
        errors.append("must not contain consecutive hyphens")
    if value and (value[0] == "-" or value[-1] == "-"):
        errors.append("must not begin or end with a hyphen")
    return errors


def config_key(value: str) -> list[str]:
    """Check a key of a ConfigMap's or Secret's data (it becomes a file name in a volume)."""
    errors = [_too_long(253)] if len(value) > 253 else []
    if not _config_key_re.fullmatch(value):
        rule = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
        errors.append(_mismatch(rule, _CONFIG_KEY, "key.name", "KEY_NAME", "key-name"))
    if value in (".", ".."):
        errors.append(f"must not be '{value}'")
    elif value.startswith(".."):
        errors.append("must not start with '..'")
    return errors


def env_name(value: str) -> list[str]:
    """Check an environment variable's name by the rule in force since 1.34: printable ASCII without `=`."""
    if not value:
        return ["environment variable name must be non-empty"]
    if any(not " " <= c <= "~" or c == "=" for c in value):
        return ["a valid environment variable name must consist only of printable ASCII characters other than '='"]
    return []


def ip_address(value: str) -> list[str]:
    """Check an IP address in the one spelling it is known by: an IPAddress's name (RFC 5952)."""
    try:
        plain = str(ipaddress.ip_address(value))
    except ValueError:
        return ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]
    return [] if plain == value else [f'must be in canonical form ("{plain}")']


BY_PATTERN: Mapping[str, Callable[[str], list[str]]] = {
    "dns-label": dns_label,
    "dns-subdomain": dns_subdomain,
    "service-name": service_name,
    "path-segment": path_segment,
    "ip-address": ip_address,
}
"""The check for each `Kind.name_pattern`."""


def as_prefix(base: str) -> str:
    """Return a `generateName` in the form a name check can judge: an end of `-` is fine, since more will follow."""
    return base[:-2] + "a" if len(base) > 1 and base.endswith("-") else base
