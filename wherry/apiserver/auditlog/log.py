"""The audit log: each request is an `Audited` from its head to its answer."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from wherry.apiserver.access.attributes import Attributes
from wherry.apiserver.auditlog import event
from wherry.apiserver.auditlog.file import LogFile
from wherry.apiserver.auditlog.rules import (
    COMPLETE,
    NONE,
    PANIC,
    RECEIVED,
    REQUEST,
    REQUEST_RESPONSE,
    STARTED,
    Policy,
    Rule,
)
from wherry.apiserver.user import User
from wherry.objects import Object
from wherry.objects.timestamps import micro

AUDIT_ID = "Audit-Id"
_ID = re.compile(r"[\w.:@+=-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What is known of a request when its head has come."""

    uri: str
    attributes: Attributes
    user: User
    sources: Sequence[str]
    agent: str
    id: str
    at: float = field(default_factory=time.time)


class AuditLog:
    """Writes to `file` what `policy` wants."""

    def __init__(self, policy: Policy, file: LogFile, clock: Callable[[], float] = time.time):
        self._policy = policy
        self._file = file
        self._clock = clock

    def received(self, head: Head) -> Audited | None:
        """Take note of a request whose head has come; None: nothing is to be told of it."""
        rule = self._policy.rule(head.user, head.attributes)
        if rule.level == NONE:
            return None
        audited = Audited(head, rule, self._file, self._clock)
        audited.tell(RECEIVED)
        return audited

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Audited:
    """One request; its events have one id."""

    def __init__(self, head: Head, rule: Rule, file: LogFile, clock: Callable[[], float]):
        self.id = head.id
        self._head = head
        self._effective = head.user
        self._rule = rule
        self._file = file
        self._clock = clock
        self._object: Any = None

    def counts_as(self, user: User) -> None:
        """Take note of whom the request is to count as."""
        self._effective = user

    def carries(self, obj: Any) -> None:
        """Take note of the object, or patch, that the request carries."""
        self._object = obj

    def started(self, code: int) -> None:
        """Tell that an answer begins which goes on for long."""
        self.tell(STARTED, code)

    def complete(self, code: int, body: bytes | None, *, panicked: bool = False) -> None:
        """Tell how the request ended; `body` is the JSON that was answered, if that is known."""
        wanted = self._rule.level == REQUEST_RESPONSE or code >= 400 or self._head.attributes.verb == "delete"
        self.tell(PANIC if panicked else COMPLETE, code, _decoded(body) if wanted else None)

    def tell(self, stage: str, code: int = 0, answered: Any = None) -> None:
        """Write the event of a stage, unless the policy omits it."""
        if stage in self._rule.omit_stages:
            return
        level, head = self._rule.level, self._head
        told: Object = {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": level,
            "auditID": head.id,
            "stage": stage,
            "requestURI": head.uri,
            "verb": head.attributes.verb,
            "user": head.user.info,
        }
        if self._effective is not head.user:
            told["impersonatedUser"] = self._effective.info
        told |= {"sourceIPs": list(head.sources), "userAgent": head.agent}
        if reference := event.object_ref(head.attributes, self._object if isinstance(self._object, dict) else None):
            told["objectRef"] = reference
        if code:
            told["responseStatus"] = event.response_status(code, answered if isinstance(answered, dict) else None)
        shown = event.without_managed_fields if self._rule.omit_managed_fields else _same
        if level in (REQUEST, REQUEST_RESPONSE) and self._object is not None and not head.attributes.path:
            told["requestObject"] = shown(self._object)
        if level == REQUEST_RESPONSE and answered is not None and not head.attributes.path:
            told["responseObject"] = shown(answered)
        told |= {"requestReceivedTimestamp": micro(head.at), "stageTimestamp": micro(self._clock())}
        if code:
            told["annotations"] = _decision(code)
        self._file.write(event.encoded(told))


def request_id(wanted: str) -> str:
    """Return the id of a request: what the client wants, where that is one, else a new one."""
    return wanted if _ID.fullmatch(wanted) else str(uuid.uuid4())


def sources(forwarded: Iterable[str], remote: str) -> list[str]:
    """Return the addresses a request came by, the client's first, as far as it and its proxies say."""
    passed = [address.strip() for value in forwarded for address in value.split(",")]
    return list(dict.fromkeys(filter(None, [*passed, remote])))


def _decision(code: int) -> Object:
    return {"authorization.k8s.io/decision": "forbid" if code == 403 else "allow"}


def _decoded(body: bytes | None) -> Any:
    try:
        return msgspec.json.decode(body) if body else None
    except msgspec.DecodeError:
        return None


def _same(obj: Any) -> Any:
    return obj
