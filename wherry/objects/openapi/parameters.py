"""What may stand in the query of each operation. Only what the server acts upon is named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wherry.objects import descriptions
from wherry.objects.definitions import GroupVersionKind, load


class Parameter(NamedTuple):
    """One parameter; `type` is one of JSON's."""

    name: str
    type: str
    description: str


_ALL = (
    Parameter("pretty", "string", "If 'true', the answer is pretty printed."),
    Parameter("dryRun", "string", "`All` goes through every stage but does not persist the change."),
    Parameter("fieldManager", "string", "Who writes, and so owns the fields that are written; an apply must say so."),
    Parameter("force", "boolean", "Let an apply take fields that others own."),
    Parameter("fieldValidation", "string", "What to do about unknown or duplicate fields: Ignore, Warn or Strict."),
    Parameter("gracePeriodSeconds", "integer", "Seconds before the object is deleted; 0 deletes at once."),
    Parameter("propagationPolicy", "string", "What happens to dependents: Orphan, Background or Foreground."),
    Parameter("orphanDependents", "boolean", "What propagationPolicy says, in an older form: Orphan or Background."),
    Parameter("labelSelector", "string", "Restricts the objects by their labels."),
    Parameter("fieldSelector", "string", "Restricts the objects by their fields."),
    Parameter("limit", "integer", "The most objects to return in one answer."),
    Parameter("continue", "string", "Where the next part of a limited list begins."),
    Parameter("resourceVersion", "string", "The version to read at, or to watch from."),
    Parameter("resourceVersionMatch", "string", "How resourceVersion applies to a list: NotOlderThan or Exact."),
    Parameter("timeoutSeconds", "integer", "Seconds after which a watch ends."),
    Parameter("watch", "boolean", "Stream changes instead of returning a list."),
    Parameter("allowWatchBookmarks", "boolean", "Ask for BOOKMARK events."),
    Parameter("sendInitialEvents", "boolean", "Begin a watch with the objects that exist."),
)
_BY_NAME = {parameter.name: parameter for parameter in _ALL}


def _named(*names: str) -> tuple[Parameter, ...]:
    return tuple(_BY_NAME[name] for name in names)


PRETTY = _BY_NAME["pretty"]
_SELECTION = ("continue", "fieldSelector", "labelSelector", "limit", "resourceVersion", "resourceVersionMatch")
_WATCH = ("allowWatchBookmarks", "sendInitialEvents", "timeoutSeconds", "watch")
_DELETE = ("dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy")
SELECT = _named("fieldSelector", "labelSelector")
LIST = _named(*_SELECTION, *_WATCH)
WRITE = _named("dryRun", "fieldManager", "fieldValidation")
PATCH = _named("dryRun", "fieldManager", "fieldValidation", "force")
DELETE = _named(*_DELETE)
DELETE_COLLECTION = _named(*_SELECTION, *_DELETE)

_TYPES = {"bool": "boolean", "int32": "integer", "int64": "integer"}
_NOT_PASSED_ON = {"insecureSkipTLSVerifyBackend"}  # a node's certificate is always verified


def path(name: str) -> Parameter:
    """Return the parameter that stands in a URL's path as `{name}`."""
    return Parameter(name, "string", f"The {name}.")


def of_options(gvk: GroupVersionKind) -> Sequence[Parameter]:
    """Return the parameters that the fields of an options type are: PodLogOptions, PodExecOptions ..."""
    type_ = load().of_kind(gvk)
    if type_ is None:
        return ()
    said = descriptions.of(type_).fields
    names = sorted(set(type_.json) - {"apiVersion", "kind"} - _NOT_PASSED_ON)
    expressions = {name: type_.json[name].type.removeprefix("[]") for name in names}
    return [Parameter(name, _TYPES.get(expressions[name], "string"), said.get(name, "")) for name in names]
