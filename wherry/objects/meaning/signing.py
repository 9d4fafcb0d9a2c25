"""What a CertificateSigningRequest asks for, and how far it is. Pure.

Source: https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/, kubernetes
pkg/apis/certificates/helpers.go.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from wherry.objects import Object

CLIENT = "kubernetes.io/kube-apiserver-client"
KUBELET_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
KUBELET_SERVING = "kubernetes.io/kubelet-serving"
LEGACY = "kubernetes.io/legacy-unknown"
SIGNERS = (CLIENT, KUBELET_CLIENT, KUBELET_SERVING, LEGACY)
"""Those the cluster itself signs for."""

APPROVED, DENIED, FAILED = "Approved", "Denied", "Failed"
DECISIONS = (APPROVED, DENIED)

KEY_USAGES: Mapping[str, str] = {
    "signing": "digital_signature",
    "digital signature": "digital_signature",
    "content commitment": "content_commitment",
    "key encipherment": "key_encipherment",
    "key agreement": "key_agreement",
    "data encipherment": "data_encipherment",
    "cert sign": "key_cert_sign",
    "crl sign": "crl_sign",
    "encipher only": "encipher_only",
    "decipher only": "decipher_only",
}
"""certificates.k8s.io/v1 KeyUsage -> the field of RFC 5280's KeyUsage, as `x509.KeyUsage` names it."""
EXTENDED_KEY_USAGES: Mapping[str, str] = {
    "any": "2.5.29.37.0",
    "server auth": "1.3.6.1.5.5.7.3.1",
    "client auth": "1.3.6.1.5.5.7.3.2",
    "code signing": "1.3.6.1.5.5.7.3.3",
    "email protection": "1.3.6.1.5.5.7.3.4",
    "s/mime": "1.3.6.1.5.5.7.3.4",
    "ipsec end system": "1.3.6.1.5.5.7.3.5",
    "ipsec tunnel": "1.3.6.1.5.5.7.3.6",
    "ipsec user": "1.3.6.1.5.5.7.3.7",
    "timestamping": "1.3.6.1.5.5.7.3.8",
    "ocsp signing": "1.3.6.1.5.5.7.3.9",
    "microsoft sgc": "1.3.6.1.4.1.311.10.3.3",
    "netscape sgc": "2.16.840.1.113730.4.1",
}
"""certificates.k8s.io/v1 KeyUsage -> the OID of an extended one."""

_BEGIN = b"-----BEGIN CERTIFICATE REQUEST-----"


def request_of(text: str) -> x509.CertificateSigningRequest:
    """Return the PKCS #10 request in `spec.request`, which is PEM in base64; raises ValueError where there is none."""
    try:
        pem = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from error
    if not pem.lstrip().startswith(_BEGIN):
        raise ValueError("PEM block type must be CERTIFICATE REQUEST")
    try:
        return x509.load_pem_x509_csr(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(f"no certificate request: {error}") from error


def signer_of(csr: Object) -> str:
    """Return who is to sign: `kubernetes.io/kube-apiserver-client`."""
    return str((csr.get("spec") or {}).get("signerName", ""))


def usages_of(csr: Object) -> list[str]:
    """Return what the certificate is to be used for."""
    return list((csr.get("spec") or {}).get("usages") or ())


def conditions_of(csr: Object) -> dict[str, Object]:
    """Return the conditions by their type; of one that is there twice the last."""
    return {condition.get("type", ""): condition for condition in (csr.get("status") or {}).get("conditions") or ()}


def certificate_of(csr: Object) -> str:
    """Return what has been issued (PEM in base64), or ""."""
    return str((csr.get("status") or {}).get("certificate") or "")


def is_decided(csr: Object) -> bool:
    """Return whether somebody has approved or denied."""
    return not conditions_of(csr).keys().isdisjoint(DECISIONS)


def is_to_be_signed(csr: Object) -> bool:
    """Return whether it is approved, and has neither a certificate nor failed."""
    conditions = conditions_of(csr)
    return APPROVED in conditions and conditions.keys().isdisjoint((DENIED, FAILED)) and not certificate_of(csr)


def with_condition(status: Object, type: str, reason: str, message: str, now: str) -> Object:
    """Return a status with one condition more, which is true; `now` is RFC 3339."""
    condition = {"type": type, "status": "True", "reason": reason, "message": message, "lastUpdateTime": now}
    return {**status, "conditions": [*(status.get("conditions") or ()), condition]}


def organizations(request: x509.CertificateSigningRequest) -> list[str]:
    """Return the O of the subject, which are the groups of a client."""
    return [str(name.value) for name in request.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]


def common_name(request: x509.CertificateSigningRequest) -> str:
    """Return the CN of the subject, which is the name of a client; of several the last."""
    names = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[-1].value) if names else ""


def alternative_names(request: x509.CertificateSigningRequest) -> list[x509.GeneralName]:
    """Return the other names asked for: DNS names, addresses, e-mail addresses, URIs; ValueError for nonsense."""
    try:
        extension = request.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    kept = (x509.DNSName, x509.IPAddress, x509.RFC822Name, x509.UniformResourceIdentifier)
    return [name for name in extension.value if isinstance(name, kept)]


def encoded(certificate: x509.Certificate) -> str:
    """Return a certificate as `status.certificate` has it."""
    return base64.b64encode(certificate.public_bytes(serialization.Encoding.PEM)).decode()
