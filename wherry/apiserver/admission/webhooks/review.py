"""The AdmissionReview (admission.k8s.io/v1, v1beta1) a webhook is sent.

Source: apiserver pkg/admission/plugin/webhook/request/admissionreview.go; k8s.io/api admission/v1 types.go.
"""

from __future__ import annotations

import msgspec

from wherry.apiserver.admission.asked import Asked, Subject
from wherry.apiserver.admission.request import request_of
from wherry.objects.resource import Resource

GROUP = "admission.k8s.io"
KIND = "AdmissionReview"
VERSIONS = ("v1", "v1beta1")


def review(version: str, uid: str, asked: Asked, subject: Subject, resource: Resource) -> bytes:
    """Return the review of a request, `uid` of its own, that is seen as one for `resource`."""
    request = {"uid": uid, **request_of(asked, subject, resource)}
    request |= {"object": subject.new(resource), "oldObject": subject.old(resource)}
    return msgspec.json.encode({"kind": KIND, "apiVersion": f"{GROUP}/{version}", "request": request})
