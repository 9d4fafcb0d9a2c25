"""Certificates for tests: a CA, and what it signs, as PEM."""

import datetime
import ipaddress
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """A certificate authority named `name`."""

    def __init__(self, name: str = "test-ca"):
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        builder = _builder(self._name, self._name, self._key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self._certificate = builder.sign(self._key, hashes.SHA256())
        self.pem = self._certificate.public_bytes(serialization.Encoding.PEM)
        self.key_pem = _pem(self._key)

    def issue(self, name: str, organization: str = "", names: Sequence[str] = ()) -> tuple[bytes, bytes]:
        """Return (certificate, key) for `name`, valid as a client and as a server at localhost or one of `names`."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(name, organization), self._name, key.public_key())
        here: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        here += [x509.DNSName(one) for one in ("localhost", *names)]
        builder = builder.add_extension(x509.SubjectAlternativeName(here), critical=False)
        signed = builder.sign(self._key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM), _pem(key)

    def write(self, directory: Path, stem: str, name: str, organization: str = "") -> None:
        """Write what `issue` returns as `STEM.crt` and `STEM.key`, and our own certificate as `ca.crt`."""
        certificate, key = self.issue(name, organization)
        (directory / "ca.crt").write_bytes(self.pem)
        (directory / f"{stem}.crt").write_bytes(certificate)
        (directory / f"{stem}.key").write_bytes(key)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)


def _name(common: str, organization: str = "") -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if organization:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(parts)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
    )
