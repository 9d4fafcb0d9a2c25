"""Where registries are really asked, and how: the file of `wherry up --registries`.

It is k3s' registries.yaml, whose words come from containerd:

    mirrors:
      "192.168.51.209:5000":            # asked for images of this registry; "*": of every one that is not named
        endpoint: ["http://127.0.0.1:5000"]   # in this order, and the registry itself last
        rewrite: {"^team/(.*)": "mirror/team/$1"}
    configs:
      registry.example.com:             # the host, with its port, that is talked to
        auth: {username: …, password: …}      # or auth: BASE64, or identity_token
        tls: {ca_file: …, cert_file: …, key_file: …, insecure_skip_verify: false}

Source: https://docs.k3s.io/installation/private-registry. Registries on this machine's loopback and in the cluster's
own networks need no TLS, as loopback's need none for Docker: nobody is in between.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import msgspec
import yaml

from wherry.images import credentials
from wherry.images.credentials import Keyring
from wherry.images.reference import DOCKER_HUB, Reference
from wherry.objects.family import Network, network

HUB_HOST = "registry-1.docker.io"
LOOPBACK = (network("127.0.0.0/8"), network("::1/128"))


class RegistriesError(ValueError):
    """The file cannot be read; the message names it and what is wrong."""


class Mirror(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a registry's images are looked for before itself."""

    endpoint: tuple[str, ...] = ()
    rewrite: Mapping[str, str] = {}

    def __post_init__(self) -> None:
        """Refuse what can be no address, and no pattern."""
        for one in self.endpoint:
            if not re.fullmatch(r"https?://[^/\s?#]+(/[^\s?#]*)?", one):
                raise ValueError(f"{one!r} is no http:// or https:// address")
        for pattern in self.rewrite:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"rewrite {pattern!r}: {error}") from error


class Auth(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who a host is asked as."""

    username: str = ""
    password: str = ""
    auth: str = ""
    identity_token: str = ""


class Tls(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a host is known; files of PEM."""

    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    insecure_skip_verify: bool = False


NO_TLS = Tls()


class HostConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is particular to a host."""

    auth: Auth | None = None
    tls: Tls | None = None


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    mirrors: dict[str, Mirror] = {}
    configs: dict[str, HostConfig] = {}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One place to ask: `scheme://host/prefix/v2/repository/…`. `verify`: whether its certificate must be good."""

    scheme: str
    host: str
    repository: str
    prefix: str = ""
    tls: Tls = NO_TLS
    verify: bool = True

    @property
    def base(self) -> str:
        """The address of its API for the repository."""
        return f"{self.scheme}://{self.host}{self.prefix}/v2/{self.repository}"


@dataclass(frozen=True, slots=True)
class Registries:
    """Which endpoints a reference has. `near`: the cluster's own networks."""

    mirrors: Mapping[str, Mirror] = field(default_factory=dict)
    configs: Mapping[str, HostConfig] = field(default_factory=dict)
    near: tuple[Network, ...] = ()

    def endpoints(self, reference: Reference) -> list[Endpoint]:
        """Return where the image is looked for, in order. Pure."""
        mirror = self.mirror(reference.registry)
        found = [self._mirror(url, mirror, reference) for url in mirror.endpoint] if mirror else []
        host = HUB_HOST if reference.registry == DOCKER_HUB else reference.registry
        tls = self._tls(host)
        if self.is_near(host) and tls == NO_TLS:
            plain = Endpoint("http", host, reference.repository)
            return [*found, Endpoint("https", host, reference.repository, verify=False), plain]
        return [*found, Endpoint("https", host, reference.repository, "", tls, not tls.insecure_skip_verify)]

    def mirror(self, registry: str) -> Mirror | None:
        """Return what the file says of a registry's mirrors."""
        return self.mirrors.get(registry) or self.mirrors.get("*")

    def credentials(self, host: str) -> Keyring:
        """Return who a host is asked as by the file."""
        config = self.configs.get(host) or (self.configs.get(DOCKER_HUB) if host == HUB_HOST else None)
        auth = config.auth if config else None
        if auth is None:
            return Keyring()
        entry = {"username": auth.username, "password": auth.password, "auth": auth.auth}
        document = {"auths": {host: {**entry, "identitytoken": auth.identity_token}}}
        return credentials.of_config(document, "--registries")

    def is_near(self, host: str) -> bool:
        """Tell whether a host is this machine's loopback or in the cluster's networks."""
        name = re.sub(r":\d+$", "", host)
        if name == "localhost" or name.endswith(".localhost"):
            return True
        try:
            address = ip_address(name.strip("[]"))
        except ValueError:
            return False
        return any(address in one for one in (*LOOPBACK, *self.near) if one.version == address.version)

    def _mirror(self, url: str, mirror: Mirror, reference: Reference) -> Endpoint:
        scheme, _, rest = url.partition("://")
        host, slash, path = rest.partition("/")
        repository = reference.repository
        for pattern, replacement in mirror.rewrite.items():
            if re.search(pattern, repository):
                repository = re.sub(pattern, re.sub(r"\$(\d+)", r"\\\1", replacement), repository)
                break
        prefix = (slash + path).rstrip("/").removesuffix("/v2")
        tls = self._tls(host)
        return Endpoint(scheme, host, repository, prefix, tls, not tls.insecure_skip_verify)

    def _tls(self, host: str) -> Tls:
        config = self.configs.get(host)
        return (config.tls if config else None) or NO_TLS


def load(path: Path | None, near: tuple[Network, ...] = ()) -> Registries:
    """Read the file; without one there are no mirrors. Raises RegistriesError."""
    if path is None:
        return Registries({}, {}, near)
    try:
        document = msgspec.convert(yaml.safe_load(path.read_bytes()) or {}, _Document)
    except OSError as error:
        raise RegistriesError(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise RegistriesError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    except msgspec.ValidationError as error:
        raise RegistriesError(f"{path}: {error}") from error
    return Registries(document.mirrors, document.configs, near)
