"""What is wrong with manifests before they are applied. Pure; what the controller would say is asked of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from wherry.ingress.fronts.ingress.classes import is_ours
from wherry.ingress.fronts.ingress.snapshot import hosts
from wherry.ingress.fronts.ingress.tls import tls_for
from wherry.ingress.options import Options
from wherry.ingress.reading import Reading, UnsupportedManifest, check_version, in_namespace, read
from wherry.ingress.route import problem
from wherry.ingress.route.certificate import Certificate
from wherry.ingress.route.problem import Problem
from wherry.objects import Object, metadata, schema
from wherry.objects.errors import BadRequest

SOON: Final = timedelta(days=14)
"""How long before its end a certificate is warned of."""


class Level(StrEnum):
    """How bad it is: an error is not served as written; a note is what the files alone cannot tell."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Document:
    """One object, and where it stands: the file, and which of its documents, from 1."""

    file: str
    number: int
    obj: Object

    @property
    def place(self) -> str:
        """Return where it stands, as one word."""
        return f"{self.file}:{self.number}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to say of an object in a document."""

    place: str
    level: Level
    subject: str
    message: str


Identity = tuple[str, str, str]
"""Kind, namespace, name."""
Validator = Callable[[Object], Sequence[object]]

_LEVELS: Final[Mapping[str, Level]] = {problem.UNSUPPORTED: Level.WARNING, problem.CANARY_ALONE: Level.WARNING}
_ELSEWHERE: Final = {problem.NO_SERVICE: "Service", problem.NO_SECRET: "Secret", problem.NO_CONFIG_MAP: "ConfigMap"}
"""Problems that are none where the object is in the cluster: they count where the files have others of the kind."""


def lint(
    documents: Sequence[Document], options: Options, now: datetime, validators: Mapping[str, Validator]
) -> list[Finding]:
    """Return what is to be said, in the order of the documents.

    `validators`: what the API server asks of a kind beyond its types, by kind; each thing wrong is a sentence.
    """
    found: list[Finding] = []
    usable: dict[Identity, Document] = {}
    for document in documents:
        wrong = list(_unreadable(document, validators))
        found += wrong
        if any(one.level is Level.ERROR for one in wrong):
            continue
        identity = _identity(document.obj)
        if identity in usable:
            said = f"stands in {usable[identity].place}, too: the later one replaces it"
            found.append(Finding(document.place, Level.ERROR, _subject(identity), said))
        usable[identity] = document
    reading = read([_dated(one.obj, number) for number, one in enumerate(usable.values())], options)
    found += _of_problems(reading, usable)
    found += _of_classes(reading, usable, options)
    found += _of_certificates(reading, usable, now)
    order = {document.place: number for number, document in reversed(list(enumerate(documents)))}
    return sorted(dict.fromkeys(found), key=lambda one: order[one.place])


def _unreadable(document: Document, validators: Mapping[str, Validator]) -> Iterator[Finding]:
    """Yield what the API server would not take, or would drop."""
    obj, subject = document.obj, _subject(_identity(document.obj))
    try:
        check_version(obj)
        group, _, version = str(obj["apiVersion"]).rpartition("/")
        typed, dropped = schema.typed(obj, (group, version, obj["kind"]))
    except (UnsupportedManifest, BadRequest) as error:
        yield Finding(document.place, Level.ERROR, subject, str(error))
        return
    yield from (Finding(document.place, Level.WARNING, subject, f"{one}: the API server drops it") for one in dropped)
    validate = validators.get(obj["kind"])
    for wrong in validate(in_namespace(typed)) if validate else ():
        yield Finding(document.place, Level.ERROR, subject, f"{wrong}: the API server refuses it")


def _of_problems(reading: Reading, usable: Mapping[Identity, Document]) -> Iterator[Finding]:
    held: defaultdict[str, set[str]] = defaultdict(set)
    for kind, namespace, _ in usable:
        held[kind].add(namespace)
    for one in reading.problems:
        document = usable[one.subject.kind, one.subject.namespace, one.subject.name]
        yield _of_problem(one, document, held)


def _of_problem(one: Problem, document: Document, held: Mapping[str, set[str]]) -> Finding:
    subject = str(one.subject)
    kind = _ELSEWHERE.get(one.reason)
    if kind and one.subject.namespace not in held.get(kind, ()):
        said = f"not checked, since these files have no {kind} of its namespace: {one.message}"
        return Finding(document.place, Level.NOTE, subject, said)
    if one.reason == problem.EXTERNAL_NAME and "has no address known" in one.message:
        return Finding(document.place, Level.NOTE, subject, f"{one.message}: it is looked up by the controller")
    return Finding(document.place, _LEVELS.get(one.reason, Level.ERROR), subject, one.message)


def _of_classes(reading: Reading, usable: Mapping[Identity, Document], options: Options) -> Iterator[Finding]:
    for ingress in reading.snapshot.ingresses:
        if not is_ours(ingress, reading.snapshot.classes, options.classes):
            identity = _identity(ingress)
            said = f"its class is not {options.classes.name}: it is another controller's, and was not looked at"
            yield Finding(usable[identity].place, Level.NOTE, _subject(identity), said)


def _of_certificates(reading: Reading, usable: Mapping[Identity, Document], now: datetime) -> Iterator[Finding]:
    """Yield certificates that are over, or will be soon."""
    for ingress in reading.snapshot.ingresses:
        identity = _identity(ingress)
        for host in hosts(ingress):
            tls = tls_for(ingress, host, reading.snapshot.secrets) if host else None
            if tls and tls.certificate and tls.certificate.expires < now + SOON:
                level, said = _ending(tls.certificate, now)
                yield Finding(usable[identity].place, level, _subject(identity), f"the certificate of {host} {said}")


def _ending(certificate: Certificate, now: datetime) -> tuple[Level, str]:
    if certificate.expires <= now:
        return Level.ERROR, f"has been over since {certificate.expires:%Y-%m-%d}"
    return Level.WARNING, f"ends on {certificate.expires:%Y-%m-%d}"


def _dated(obj: Object, number: int) -> Object:
    """Return an object that is as old as its place in the files says: who comes first is created first."""
    meta = {"creationTimestamp": f"9999-{number:09}", **obj["metadata"]}
    return {**obj, "metadata": meta}


def _identity(obj: Object) -> Identity:
    return (obj["kind"], *metadata.key(in_namespace(obj)))


def _subject(identity: Identity) -> str:
    kind, namespace, name = identity
    return f"{kind} {namespace}/{name}"
