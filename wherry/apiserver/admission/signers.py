"""Who approves a certificate's request, or signs it, must be allowed to for that signer.

Source of rules and texts: kubernetes plugin/pkg/admission/certificates (approval, signing, subjectrestriction).
"""

from __future__ import annotations

from wherry.apiserver.access.attributes import Attributes
from wherry.apiserver.access.authorizer import Authorizer
from wherry.apiserver.kind import Context, Kind
from wherry.apiserver.user import MASTERS
from wherry.objects import Object
from wherry.objects.errors import Forbidden
from wherry.objects.meaning import signing
from wherry.objects.resource import CERTIFICATE_SIGNING_REQUESTS


def admit(kind: Kind, new: Object, old: Object | None, context: Context, authorizer: Authorizer) -> None:
    """Raise `Forbidden` when this user may not write the request `new`."""
    if kind.resource != CERTIFICATE_SIGNING_REQUESTS:
        return
    if old is None:
        _check_subject(new)
    elif context.subresource == "approval":
        _check_verb("approve", old, context, authorizer)
    elif context.subresource == "status" and (new.get("status") or {}) != (old.get("status") or {}):
        _check_verb("sign", old, context, authorizer)


def _check_verb(verb: str, csr: Object, context: Context, authorizer: Authorizer) -> None:
    signer = signing.signer_of(csr)
    for name in (signer, f"{signer.partition('/')[0]}/*"):
        asked = Attributes(verb=verb, group=CERTIFICATE_SIGNING_REQUESTS.group, plural="signers", name=name)
        if authorizer.allowed(context.user, asked):
            return
    raise _refused(csr, f'user not permitted to {verb} requests with signerName "{signer}"')


def _check_subject(csr: Object) -> None:
    """Nobody becomes a master by a certificate of the cluster's own."""
    if signing.signer_of(csr) != signing.CLIENT:
        return
    try:
        groups = signing.organizations(signing.request_of((csr.get("spec") or {}).get("request") or ""))
    except ValueError:
        return  # refused by the kind's own checks
    if MASTERS in groups:
        raise _refused(csr, f"use of {signing.CLIENT} signer with {MASTERS} group is not allowed")


def _refused(csr: Object, why: str) -> Forbidden:
    name = csr["metadata"].get("name", "")
    return Forbidden.of(CERTIFICATE_SIGNING_REQUESTS.plural, name, why, CERTIFICATE_SIGNING_REQUESTS.group)
