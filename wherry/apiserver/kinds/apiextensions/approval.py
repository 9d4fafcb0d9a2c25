"""Groups of Kubernetes' own (`*.k8s.io`, `*.kubernetes.io`) need approval, by an annotation.

Source: apiextensions-apiserver pkg/apihelpers/helpers.go, KEP-1111.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from wherry.objects import Object, fields, metadata
from wherry.objects.errors import FieldError

ANNOTATION = "api-approved.kubernetes.io"
_SEE = "see https://github.com/kubernetes/enhancements/pull/1111"


def is_protected(group: str) -> bool:
    """Return whether a group is Kubernetes' own."""
    return f".{group}".endswith((".k8s.io", ".kubernetes.io"))


def state(definition: Object) -> tuple[str, str]:
    """Return (reason, message) of a definition: ApprovedAnnotation, UnapprovedAnnotation, or one that is refused."""
    text = metadata.annotations(definition).get(ANNOTATION, "")
    needed = f'protected groups must have approval annotation "{ANNOTATION}"'
    if not text:
        return "MissingAnnotation", f"{needed}, {_SEE}"
    if text.startswith("unapproved"):
        return "UnapprovedAnnotation", f"not approved: {fields.quote(text)}"
    url = urlsplit(text)
    if url.scheme and url.netloc:
        return "ApprovedAnnotation", f"approved in {text}"
    return "InvalidAnnotation", f'{needed} with either a URL or a reason starting with "unapproved", {_SEE}'


def errors(new: Object, old: Object | None) -> list[FieldError]:
    """Return what is wrong with the approval of a definition; what was so before may stay."""
    if not is_protected(new["spec"].get("group", "")):
        return []
    reason, message = state(new)
    if old is not None and state(old)[0] == reason:
        return []
    path = f"metadata.annotations[{ANNOTATION}]"
    if reason == "MissingAnnotation":
        return [fields.required(path, message)]
    if reason == "InvalidAnnotation":
        return [fields.invalid(path, metadata.annotations(new)[ANNOTATION], message)]
    return []
