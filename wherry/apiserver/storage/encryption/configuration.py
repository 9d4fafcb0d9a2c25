"""What is encrypted, and by which keys: `Rules`, read from a file like that of kube-apiserver.

Source: k8s.io/apiserver pkg/apis/apiserver/v1 types_encryption.go (the fields), apis/apiserver/validation
validation_encryption.go (what is refused).
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from wherry.apiserver.storage.encryption.providers import AesCbc, AesGcm, Identity, Provider, SecretBox
from wherry.apiserver.storage.encryption.rules import Rule, Rules

API_VERSION, KIND = "apiserver.config.k8s.io/v1", "EncryptionConfiguration"
CORE = "core"
"""The group of a room, where Kubernetes writes none."""

_AES_LENGTHS, _BOX_LENGTHS = (16, 24, 32), (32,)
_MAKERS: dict[str, tuple[Callable[[str, bytes], Provider], tuple[int, ...]]] = {
    "aesgcm": (AesGcm, _AES_LENGTHS),
    "aescbc": (AesCbc, _AES_LENGTHS),
    "secretbox": (SecretBox, _BOX_LENGTHS),
}


class EncryptionError(ValueError):
    """The configuration cannot be used; the text says where and why."""


class _Key(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    secret: str


class _Keys(msgspec.Struct, forbid_unknown_fields=True):
    keys: list[_Key]


class _Provider(msgspec.Struct, forbid_unknown_fields=True):
    identity: dict[str, Any] | None = None
    aesgcm: _Keys | None = None
    aescbc: _Keys | None = None
    secretbox: _Keys | None = None
    kms: Any = None


class _Resources(msgspec.Struct, forbid_unknown_fields=True):
    resources: list[str]
    providers: list[_Provider]


class _Configuration(msgspec.Struct, forbid_unknown_fields=True):
    apiVersion: str
    kind: str
    resources: list[_Resources]


def load(path: Path) -> Rules:
    """Read a file; raises `EncryptionError`, which names it."""
    try:
        return parse(yaml.safe_load(path.read_bytes()))
    except (yaml.YAMLError, EncryptionError) as error:
        raise EncryptionError(f"{path}: {error}") from error
    except OSError as error:
        raise EncryptionError(f"{path}: {error.strerror}") from error


def parse(document: Any) -> Rules:
    """Return the rules of an EncryptionConfiguration; raises `EncryptionError`."""
    try:
        read = msgspec.convert(document, _Configuration)
    except msgspec.ValidationError as error:
        raise EncryptionError(f"no EncryptionConfiguration: {error}") from error
    if (read.apiVersion, read.kind) != (API_VERSION, KIND):
        raise EncryptionError(f"it is a {read.kind} of {read.apiVersion}, and should be a {KIND} of {API_VERSION}")
    if not read.resources:
        raise EncryptionError("resources: names what is encrypted, and how; it is empty")
    return Rules([_rule(f"resources[{i}]", one) for i, one in enumerate(read.resources)])


def generated() -> bytes:
    """Return a configuration file that encrypts Secrets by a key nobody else has."""
    secret = base64.b64encode(os.urandom(32)).decode()
    providers = [{"aesgcm": {"keys": [{"name": "key1", "secret": secret}]}}, {"identity": {}}]
    rule = {"resources": ["secrets"], "providers": providers}
    return yaml.safe_dump({"apiVersion": API_VERSION, "kind": KIND, "resources": [rule]}, sort_keys=False).encode()


def _rule(where: str, one: _Resources) -> Rule:
    if not one.resources or not one.providers:
        raise EncryptionError(f"{where}: needs resources and providers")
    resources = [_resource(f"{where}.resources[{i}]", text) for i, text in enumerate(one.resources)]
    for i, resource in enumerate(resources):
        for j, other in enumerate(resources):
            if i != j and Rule([other], ()).covers(*resource):
                raise EncryptionError(f"{where}.resources: {one.resources[i]} is in {one.resources[j]} already")
    providers = [p for i, each in enumerate(one.providers) for p in _providers(f"{where}.providers[{i}]", each)]
    return Rule(resources, providers)


def _resource(where: str, text: str) -> tuple[str, str]:
    """Return (group, plural) of `secrets`, `deployments.apps`, `*.apps`, `*.` (the core group) or `*.*`."""
    plural, _, group = text.partition(".")
    if not plural or "/" in text or text != text.lower() or text == "*" or ("*" in group and text != "*.*"):
        raise EncryptionError(
            f"{where}: {text!r} is no resource: write secrets, deployments.apps, *.apps, *. for the core group, or *.*"
        )
    return group or CORE, plural


def _providers(where: str, one: _Provider) -> Iterator[Provider]:
    named = [name for name in one.__struct_fields__ if getattr(one, name) is not None]
    if len(named) != 1:
        raise EncryptionError(f"{where}: names one provider (`identity: {{}}`); it has {', '.join(named) or 'none'}")
    (name,) = named
    if name == "kms":
        raise EncryptionError(f"{where}.kms: not supported: use secretbox, aesgcm or aescbc with a key in this file")
    if name == "identity":
        if one.identity:
            raise EncryptionError(f"{where}.identity: takes no fields")
        yield Identity()
        return
    yield from _keyed(f"{where}.{name}.keys", name, getattr(one, name).keys)


def _keyed(where: str, provider: str, keys: Sequence[_Key]) -> Iterator[Provider]:
    make, lengths = _MAKERS[provider]
    if not keys:
        raise EncryptionError(f"{where}: needs a key")
    for i, key in enumerate(keys):
        if not key.name:
            raise EncryptionError(f"{where}[{i}].name: is empty")
        if key.name in {earlier.name for earlier in keys[:i]}:
            raise EncryptionError(f"{where}[{i}].name: {key.name} is there already")
        try:
            secret = base64.b64decode(key.secret, validate=True)
        except (binascii.Error, ValueError):
            raise EncryptionError(f"{where}[{i}].secret: is not base64") from None
        if len(secret) not in lengths:
            sizes = " or ".join(map(str, lengths))
            raise EncryptionError(f"{where}[{i}].secret: has {len(secret)} bytes, and should have {sizes}")
        yield make(key.name, secret)
