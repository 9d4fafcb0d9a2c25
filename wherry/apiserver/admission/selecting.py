"""Whether selectors select a request's namespace and its object.

Source: apiserver pkg/admission/plugin/webhook/predicates/{namespace,object}/matcher.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from wherry.apiserver.admission.asked import CREATE, UPDATE, Asked, Subject
from wherry.apiserver.state.state import State
from wherry.objects import Object, metadata
from wherry.objects.errors import NotFound
from wherry.objects.resource import NAMESPACES
from wherry.objects.selectors import LabelSelector


class Selecting(Protocol):
    """Who selects requests by what is written, and where."""

    @property
    def namespaces(self) -> LabelSelector:
        """The `namespaceSelector`."""
        ...

    @property
    def objects(self) -> LabelSelector:
        """The `objectSelector`."""
        ...


def selects(chooser: Selecting, asked: Asked, subject: Subject, state: State) -> bool:
    """Return whether this namespace and this object are selected; raises `NotFound` for an unknown namespace."""
    return _object(chooser, asked, subject) and _namespace(chooser, asked, subject, state)


def namespace(asked: Asked, state: State) -> Object:
    """Return the namespace a request is about; raises `NotFound`."""
    namespaces = state.find(NAMESPACES)
    found = namespaces.latest(("", asked.namespace)) if namespaces else None
    if found is None:
        raise NotFound.of(NAMESPACES.plural, asked.namespace)
    return found


def _namespace(chooser: Selecting, asked: Asked, subject: Subject, state: State) -> bool:
    if chooser.namespaces.everything or not asked.namespace:
        return True  # what is in no namespace is not for namespaces to select
    return chooser.namespaces.matches(_labels(asked, subject, state))


def _labels(asked: Asked, subject: Subject, state: State) -> Mapping[str, str]:
    """Return the labels of the namespace a request is about: of one that is written, those it is to have."""
    if asked.about_namespace and not asked.subresource and asked.operation in (CREATE, UPDATE):
        return metadata.labels(subject.new(asked.resource) or {})
    return metadata.labels(namespace(asked, state))


def _object(chooser: Selecting, asked: Asked, subject: Subject) -> bool:
    """Tell whether the object as it is to be, or as it is, is selected; labels are the same in every version."""
    if chooser.objects.everything:
        return True
    seen = (subject.new(asked.resource), subject.old(asked.resource))
    return any(chooser.objects.matches(metadata.labels(obj)) for obj in seen if obj is not None)
