"""CertificateSigningRequest (certificates.k8s.io/v1). Who may approve and sign is in `admission.signers`.

Source: k8s.io/kubernetes pkg/apis/certificates/validation/validation.go,
pkg/registry/certificates/certificates/strategy.go, pkg/printers/internalversion/printers.go
(printCertificateSigningRequest).
"""

from __future__ import annotations

import base64
import binascii
import re
import time

from cryptography import x509

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.common import ages, cells, checks
from wherry.objects import Object, fields, names, timestamps
from wherry.objects.errors import FieldError
from wherry.objects.meaning import signing
from wherry.objects.resource import CERTIFICATE_SIGNING_REQUESTS

APPROVAL = "approval"
MIN_SECONDS = 600
LONGEST_SIGNER = 571
"""Characters of a signer's name: a domain, a slash and what a resource's name may be."""
_REQUESTER = ("username", "uid", "groups", "extra")
_LASTING = (*signing.DECISIONS, signing.FAILED)
"""Conditions that are never taken back."""
_USAGES = tuple(sorted({*signing.KEY_USAGES, *signing.EXTENDED_KEY_USAGES}))
_PEM = re.compile(rb"\s*-----BEGIN ([^-]*)-----\s+(.*?)-----END \1-----", re.DOTALL)


def _prepare(new: Object, old: Object | None, context: Context) -> None:
    spec = new.setdefault("spec", {})
    if old is None:
        new["status"] = {}
        asks = context.user.info
    else:
        asks = old["spec"]
    found = {key: asks.get(key) for key in _REQUESTER}
    for key in _REQUESTER:
        spec.pop(key, None)
        if found[key]:
            spec[key] = found[key]
    if old is not None:
        _stamp(new, old, time.time(), decides=context.subresource == APPROVAL)


def _stamp(new: Object, old: Object, now: float, *, decides: bool) -> None:
    """Say when conditions came and changed, in place; who does not decide leaves the decisions as they were."""
    before = signing.conditions_of(old)
    conditions = (new.get("status") or {}).get("conditions") or []
    for i, condition in enumerate(conditions):
        was = before.get(condition.get("type", ""))
        if was is not None and not decides and condition.get("type") in signing.DECISIONS:
            conditions[i] = was
            continue
        condition.setdefault("lastUpdateTime", timestamps.rfc3339(now))
        if not condition.get("lastTransitionTime"):
            same = was is not None and was.get("status") == condition.get("status")
            moment = was.get("lastTransitionTime") if was and same else None
            condition["lastTransitionTime"] = moment or timestamps.rfc3339(now)


def _validate(obj: Object) -> list[FieldError]:
    spec = obj["spec"]
    errors = _request_errors(spec.get("request") or "")
    errors += _usage_errors(spec.get("usages") or ())
    errors += _signer_errors(spec.get("signerName") or "")
    seconds = spec.get("expirationSeconds")
    if seconds is not None and seconds < MIN_SECONDS:
        text = f"may not specify a duration less than {MIN_SECONDS} seconds (10 minutes)"
        errors.append(fields.invalid("spec.expirationSeconds", seconds, text))
    return errors


def _request_errors(request: str) -> list[FieldError]:
    if not request:
        return [fields.required("spec.request")]
    try:
        signing.request_of(request)
    except ValueError as error:
        return [fields.invalid("spec.request", request, str(error))]
    return []


def _usage_errors(usages: list[str] | tuple[str, ...]) -> list[FieldError]:
    if not usages:
        return [fields.required("spec.usages")]
    errors = []
    for i, usage in enumerate(usages):
        if usage not in _USAGES:
            errors.append(fields.not_supported(f"spec.usages[{i}]", usage, _USAGES))
        elif usage in usages[:i]:
            errors.append(fields.duplicate(f"spec.usages[{i}]", usage))
    return errors


def _signer_errors(signer: str) -> list[FieldError]:
    """Check `example.com/name`: a domain of two labels at least, then what could name a resource."""
    path = "spec.signerName"
    if not signer:
        return [fields.required(path)]
    if signer == signing.LEGACY:
        return [fields.invalid(path, signer, "the legacy signerName is not allowed via this API version")]
    if signer.count("/") != 1:
        return [
            fields.invalid(
                path, signer, "must be a fully qualified domain and path of the form 'example.com/signer-name'"
            )
        ]
    if len(signer) > LONGEST_SIGNER:
        return [fields.too_long(path, LONGEST_SIGNER)]
    domain, _, name = signer.partition("/")
    errors = checks.named(path, domain, names.dns_subdomain)
    if not errors and "." not in domain:
        errors.append(fields.invalid(path, domain, "should be a domain with at least two segments separated by dots"))
    return errors + (checks.named(path, name, names.dns_subdomain) if name else [fields.required(path)])


def _check(new: Object, old: Object | None, part: str) -> list[FieldError]:
    errors = _condition_errors(new)
    if old is None:
        return errors
    errors += checks.immutable("spec", new["spec"], old["spec"])
    now, was = signing.conditions_of(new), signing.conditions_of(old)
    path = "status.conditions"
    for kind in _LASTING:
        if kind in was and kind not in now:
            errors.append(fields.forbidden(path, f'updates may not remove a condition of type "{kind}"'))
    for kind in signing.DECISIONS:
        if kind in now and kind not in was and part != APPROVAL:
            errors.append(fields.forbidden(path, f'updates may not add a condition of type "{kind}"'))
    return errors + _certificate_errors(signing.certificate_of(new), signing.certificate_of(old))


def _condition_errors(obj: Object) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for i, condition in enumerate((obj.get("status") or {}).get("conditions") or ()):
        path, kind, status = f"status.conditions[{i}]", condition.get("type", ""), condition.get("status", "")
        if not kind:
            errors.append(fields.required(f"{path}.type"))
        allowed = ("True",) if kind in _LASTING else ("False", "True", "Unknown")
        errors += checks.one_of(f"{path}.status", status, allowed)
        if kind in seen:
            errors.append(fields.duplicate(f"{path}.type", kind))
        seen.add(kind)
        if kind in signing.DECISIONS and seen.issuperset(signing.DECISIONS):
            errors.append(fields.invalid(f"{path}.type", kind, "Approved and Denied conditions are mutually exclusive"))
    return errors


def _certificate_errors(new: str, old: str) -> list[FieldError]:
    path = "status.certificate"
    if new == old:
        return []
    if old:
        what = "modify existing certificate content" if new else "remove certificate content"
        return [fields.forbidden(path, f"updates may not {what}")]
    try:
        _read_chain(base64.b64decode(new, validate=True))
    except (ValueError, binascii.Error) as error:
        return [fields.invalid(path, "<certificate data>", str(error))]
    return []


def _read_chain(pem: bytes) -> None:
    """Read certificates in PEM, with whatever is written around them; raises ValueError."""
    blocks = list(_PEM.finditer(pem))
    if not blocks:
        raise ValueError("must contain at least one CERTIFICATE PEM block")
    for i, block in enumerate(blocks):
        if block[1] != b"CERTIFICATE":
            raise ValueError(f"only CERTIFICATE PEM blocks are allowed, found {block[1].decode(errors='replace')!r}")
        if b":" in block[2]:
            raise ValueError("no PEM block headers are permitted")
        try:
            x509.load_pem_x509_certificate(block[0].strip())
        except ValueError as error:
            raise ValueError(f"CERTIFICATE PEM block {i}: {error}") from error


def _condition(obj: Object) -> str:
    conditions = signing.conditions_of(obj)
    decided = next((word for word in (signing.DENIED, signing.APPROVED) if word in conditions), "Pending")
    failed = f",{signing.FAILED}" if signing.FAILED in conditions else ""
    return f"{decided}{failed}{',Issued' if signing.certificate_of(obj) else ''}"


def _duration(obj: Object) -> str:
    seconds = (obj.get("spec") or {}).get("expirationSeconds")
    return cells.NONE if seconds is None else ages.human(seconds)


CERTIFICATE_SIGNING_REQUEST = Kind(
    resource=CERTIFICATE_SIGNING_REQUESTS,
    short_names=("csr",),
    prepare=_prepare,
    validate=_validate,
    check=_check,
    has_status=True,
    status_parts={APPROVAL: "conditions"},
    name_pattern="path-segment",
    fields={"spec.signerName": signing.signer_of},
    age=False,
    columns=(
        Column("Age", ages.of),
        Column("SignerName", signing.signer_of),
        Column("Requestor", lambda obj: (obj.get("spec") or {}).get("username", "")),
        Column("RequestedDuration", _duration),
        Column("Condition", _condition),
    ),
)
