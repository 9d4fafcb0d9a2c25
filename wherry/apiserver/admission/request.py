"""A request as an AdmissionRequest (admission.k8s.io/v1) tells it.

Source: apiserver pkg/admission/plugin/webhook/request/admissionreview.go; k8s.io/api admission/v1 types.go.
"""

from __future__ import annotations

from wherry.apiserver.admission.asked import Asked, Subject
from wherry.objects import Object
from wherry.objects.resource import Resource


def request_of(asked: Asked, subject: Subject, resource: Resource) -> Object:
    """Return an AdmissionRequest, seen as one for `resource`, but for its uid and its objects."""
    request: Object = {
        "kind": _kind(subject.kind(resource)),
        "resource": _resource(resource),
        "requestKind": _kind(subject.kind(asked.resource)),
        "requestResource": _resource(asked.resource),
        "name": asked.name,
        "namespace": asked.namespace,
        "operation": asked.operation,
        "userInfo": asked.user.info,
        "dryRun": asked.dry_run,
        "options": asked.options,
    }
    if asked.subresource:
        request |= {"subResource": asked.subresource, "requestSubResource": asked.subresource}
    for optional in ("name", "namespace"):
        if not request[optional]:
            del request[optional]
    return request


def _kind(resource: Resource) -> Object:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


def _resource(resource: Resource) -> Object:
    return {"group": resource.group, "version": resource.version, "resource": resource.plural}
