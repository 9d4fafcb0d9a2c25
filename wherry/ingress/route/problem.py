"""What is wrong with an object, in words its owner can act on."""

from __future__ import annotations

from dataclasses import dataclass

from wherry.objects import Object

Key = tuple[str, str]
"""(namespace, name)."""


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """The object a problem is about, as an Event's `involvedObject` names it."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str = ""

    @classmethod
    def of(cls, obj: Object, api_version: str, kind: str) -> Subject:
        """Return the subject for `obj`; lists leave apiVersion and kind out of their items, so they are given."""
        meta = obj["metadata"]
        return cls(api_version, kind, meta.get("namespace", ""), meta["name"], meta.get("uid", ""))

    @classmethod
    def of_ingress(cls, obj: Object) -> Subject:
        """Return the subject for an Ingress."""
        return cls.of(obj, "networking.k8s.io/v1", "Ingress")

    @classmethod
    def of_config_map(cls, obj: Object) -> Subject:
        """Return the subject for a ConfigMap."""
        return cls.of(obj, "v1", "ConfigMap")

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One warning: `reason` is an Event's CamelCase word, `message` a sentence."""

    subject: Subject
    reason: str
    message: str


BAD_ANNOTATION = "BadAnnotation"
UNSUPPORTED = "UnsupportedAnnotation"
BAD_HOST = "BadHost"
BAD_PATH = "BadPath"
PATH_TAKEN = "PathTaken"
BAD_BACKEND = "BadBackend"
NO_SERVICE = "ServiceNotFound"
NO_SECRET = "SecretNotFound"
NO_CONFIG_MAP = "ConfigMapNotFound"
NO_PORT = "ServicePortNotFound"
EXTERNAL_NAME = "ExternalName"
BAD_CERTIFICATE = "BadCertificate"
BAD_OPTION = "BadOption"
BAD_STREAM = "BadStreamService"
NGINX_REFUSED = "NginxRefused"
CANARY_ALONE = "CanaryAlone"
INTERNAL = "InternalError"
