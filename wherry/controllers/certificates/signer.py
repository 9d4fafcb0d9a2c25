"""Issues certificates for what is approved, in the name of the cluster's certificate authority."""

from __future__ import annotations

import logging

from wherry.controllers.certificates import issuing, policy
from wherry.controllers.context import Context
from wherry.controllers.controller import Controller
from wherry.objects import Object, timestamps
from wherry.objects.meaning import signing
from wherry.objects.metadata import Key
from wherry.objects.resource import CERTIFICATE_SIGNING_REQUESTS

log = logging.getLogger(__name__)


class CertificateSigner(Controller):
    """Signs for `signing.SIGNERS`; a request its signer does not take gets the condition Failed."""

    name = "certificatesigner"

    def __init__(self, context: Context):
        super().__init__(context)
        self._requests = context.informer(CERTIFICATE_SIGNING_REQUESTS)
        self._authority: issuing.Authority | None = None
        if context.config.ca_key_pem:
            self._authority = issuing.authority(context.config.ca_pem, context.config.ca_key_pem)
            self.watch(CERTIFICATE_SIGNING_REQUESTS)

    async def reconcile(self, key: Key) -> None:
        """Sign one request, if it is approved."""
        csr = self._requests.get(*key)
        if csr is None or self._authority is None or signing.signer_of(csr) not in signing.SIGNERS:
            return
        if signing.is_to_be_signed(csr):
            await self.write_status(CERTIFICATE_SIGNING_REQUESTS, csr, self._signed(csr, self._authority))

    def _signed(self, csr: Object, by: issuing.Authority) -> Object:
        status, spec, now = csr.get("status") or {}, csr["spec"], self.context.clock()
        try:
            request = signing.request_of(spec["request"])
            if why := policy.problem(csr, request):
                raise ValueError(why)
            lasting = issuing.seconds(spec.get("expirationSeconds"), self.context.config.certificate_seconds)
            issued = issuing.issue(request, signing.usages_of(csr), by, now, lasting)
        except ValueError as error:
            log.warning("certificate refused name=%s signer=%s: %s", csr["metadata"]["name"], spec["signerName"], error)
            reason, moment = "SignerValidationFailure", timestamps.rfc3339(now)
            return signing.with_condition(status, signing.FAILED, reason, str(error), moment)
        return {**status, "certificate": signing.encoded(issued)}
