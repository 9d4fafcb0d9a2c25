"""Approves the client certificates of nodes, where whoever asks may have one. People decide about all others."""

from __future__ import annotations

from cryptography import x509

from wherry.controllers.certificates import policy
from wherry.controllers.context import Context
from wherry.controllers.controller import Controller
from wherry.objects import Object, timestamps
from wherry.objects.meaning import signing
from wherry.objects.metadata import Key
from wherry.objects.resource import CERTIFICATE_SIGNING_REQUESTS, SUBJECT_ACCESS_REVIEWS

WAYS = (
    ("selfnodeclient", policy.is_of_node_itself, "self kubelet client certificate"),
    ("nodeclient", policy.is_of_node, "kubelet client certificate"),
)
"""The subresource that one must be allowed to create, for which requests, and what they are called."""


class CertificateApprover(Controller):
    """Asks the API server what the one who asks may do, and approves."""

    name = "certificateapprover"

    def __init__(self, context: Context):
        super().__init__(context)
        self._requests = context.informer(CERTIFICATE_SIGNING_REQUESTS)
        self.watch(CERTIFICATE_SIGNING_REQUESTS)

    async def reconcile(self, key: Key) -> None:
        """Approve one request, if that goes without saying."""
        csr = self._requests.get(*key)
        if csr is None or signing.is_decided(csr) or signing.certificate_of(csr):
            return
        try:
            request = signing.request_of(csr["spec"]["request"])
        except ValueError:
            return
        if what := await self._what(csr, request):
            await self._approve(csr, f"Auto approving {what} after SubjectAccessReview.")

    async def _what(self, csr: Object, request: x509.CertificateSigningRequest) -> str:
        for subresource, recognizes, what in WAYS:
            if recognizes(csr, request) and await self._may(csr["spec"], subresource):
                return what
        return ""

    async def _may(self, spec: Object, subresource: str) -> bool:
        resource = CERTIFICATE_SIGNING_REQUESTS
        attributes = {
            "group": resource.group,
            "version": "*",
            "resource": resource.plural,
            "subresource": subresource,
            "verb": "create",
        }
        asks = {key: spec[name] for key, name in _ASKS.items() if spec.get(name)}
        review: Object = {
            "apiVersion": SUBJECT_ACCESS_REVIEWS.api_version,
            "kind": SUBJECT_ACCESS_REVIEWS.kind,
            "metadata": {},
            "spec": {**asks, "resourceAttributes": attributes},
        }
        answer = await self.client.create(SUBJECT_ACCESS_REVIEWS, review)
        return bool((answer.get("status") or {}).get("allowed"))

    async def _approve(self, csr: Object, message: str) -> None:
        now = timestamps.rfc3339(self.context.clock())
        status = signing.with_condition(csr.get("status") or {}, signing.APPROVED, "AutoApproved", message, now)
        new = {**csr, "status": status}
        await self.client.update(CERTIFICATE_SIGNING_REQUESTS, new, subresource="approval")


_ASKS = {"user": "username", "uid": "uid", "groups": "groups", "extra": "extra"}
"""The field of a SubjectAccessReview -> that of a request."""
