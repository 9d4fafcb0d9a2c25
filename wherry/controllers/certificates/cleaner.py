"""Deletes requests whose time is over.

Source: https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#request-signing-process,
kubernetes pkg/controller/certificates/cleaner/cleaner.go.
"""

from __future__ import annotations

import base64
import contextlib

from cryptography import x509

from wherry.controllers.context import Context
from wherry.controllers.controller import Controller
from wherry.objects import Object, timestamps
from wherry.objects.errors import Conflict, NotFound
from wherry.objects.meaning import signing
from wherry.objects.metadata import Key
from wherry.objects.resource import CERTIFICATE_SIGNING_REQUESTS

DECIDED_SECONDS = 3600.0
"""What is approved, denied or failed is kept for so long: whoever asked has to see it."""
PENDING_SECONDS = 24 * 3600.0
"""What nobody has decided is kept for so long."""


def ends(csr: Object) -> float:
    """Return when a request is to be deleted (seconds since the epoch)."""
    conditions = signing.conditions_of(csr)
    decided = [conditions[word] for word in (*signing.DECISIONS, signing.FAILED) if word in conditions]
    times = [_updated(condition, csr) + DECIDED_SECONDS for condition in decided]
    return min([*times, *_expiry(signing.certificate_of(csr))], default=_created(csr) + PENDING_SECONDS)


def _expiry(certificate: str) -> list[float]:
    """Return when a certificate is no longer good; nothing where there is none to read."""
    try:
        found = x509.load_pem_x509_certificates(base64.b64decode(certificate))
    except ValueError:
        return []
    return [found[0].not_valid_after_utc.timestamp()]


def _created(csr: Object) -> float:
    return timestamps.parse(csr["metadata"]["creationTimestamp"])


def _updated(condition: Object, csr: Object) -> float:
    moment = condition.get("lastUpdateTime")
    return timestamps.parse(moment) if moment else _created(csr)


class CertificateCleaner(Controller):
    """Waits for the end of each request."""

    name = "certificatecleaner"

    def __init__(self, context: Context):
        super().__init__(context)
        self._requests = context.informer(CERTIFICATE_SIGNING_REQUESTS)
        self.watch(CERTIFICATE_SIGNING_REQUESTS)

    async def reconcile(self, key: Key) -> None:
        """Delete one request when its time has come, else come back then."""
        csr = self._requests.get(*key)
        if csr is None:
            return
        left = ends(csr) - self.context.clock()
        if left > 0:
            self.queue.add_after(key, left)
            return
        with contextlib.suppress(NotFound, Conflict):
            await self.client.delete(CERTIFICATE_SIGNING_REQUESTS, key[1], key[0], uid=csr["metadata"]["uid"])
