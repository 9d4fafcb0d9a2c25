"""The cluster's own certificate authority and what it signs (layout of kubeadm's /etc/kubernetes/pki).

Keys are ECDSA P-256: made in well under a millisecond, where RSA takes a tenth of a second each.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from wherry.cluster import files
from wherry.cluster.config import ClusterConfig, ConfigError

CA_DAYS = 3650
LEAF_DAYS = 3650  # a cluster of ours has no renewal daemon, so leaves live as long as their CA
CLOCK_SKEW = datetime.timedelta(minutes=5)


CA, FRONT_PROXY_CA = "ca", "front-proxy-ca"
"""The authority for clients and servers, and the one by which servers of other APIs know the API server."""
FRONT_PROXY = "front-proxy-client"
"""The one client of that authority."""


class Authority:
    """A CA called `common_name` whose certificate and key are NAME.crt and NAME.key in `directory`; made on first use.

    `making` is called before anything is made.
    """

    def __init__(
        self,
        directory: Path,
        now: datetime.datetime,
        making: Callable[[], None] = lambda: None,
        *,
        name: str = CA,
        common_name: str = "kubernetes",
    ):
        self._directory = directory
        self._name = name
        self._common_name = common_name
        self._now = now
        self._making = making
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (directory / f"{name}.key").exists():
            self._create()
        try:
            self._certificate, self._key = pair(directory, name)
        except ValueError as error:
            raise ConfigError(
                f"the certificate authority is damaged ({error}): move {directory} away and `wherry up` makes a new "
                "one; kubeconfigs that were copied elsewhere know only the old one"
            ) from error

    def issue(
        self, name: str, common_name: str, *, organizations: Sequence[str] = (), hosts: Sequence[str] = ()
    ) -> None:
        """Write NAME.crt and NAME.key, unless they are there already for the same names, and good.

        With `hosts` (DNS names or addresses) it is a server's certificate, otherwise a client's.
        """
        path = self._directory / f"{name}.crt"
        if path.exists() and self._is_good(name, hosts):
            return
        self._making()
        key = ec.generate_private_key(ec.SECP256R1())
        subject = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, o) for o in organizations]
        subject.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name))
        usage = ExtendedKeyUsageOID.SERVER_AUTH if hosts else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = (
            self._builder(x509.Name(subject), key.public_key(), LEAF_DAYS)
            .issuer_name(self._certificate.subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(_authority_identifier(self._certificate), critical=False)
        )
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([_host(h) for h in hosts]), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        _write_key(self._directory / f"{name}.key", key)
        files.replace(path, certificate.public_bytes(serialization.Encoding.PEM), 0o644)

    def _is_good(self, name: str, hosts: Sequence[str]) -> bool:
        """Tell whether a certificate and its key can be used, are ours, and for these names."""
        try:
            certificate, _ = pair(self._directory, name)
            certificate.verify_directly_issued_by(self._certificate)
        except (ValueError, InvalidSignature):
            return False
        return _serves(certificate, hosts)

    def _create(self) -> None:
        self._making()
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self._common_name)])
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        certificate = (
            self._builder(name, key.public_key(), CA_DAYS)
            .issuer_name(name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        files.replace(self._directory / f"{self._name}.crt", pem, 0o644)
        _write_key(self._directory / f"{self._name}.key", key)

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, days: int) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - CLOCK_SKEW)
            .not_valid_after(self._now + datetime.timedelta(days=days))
        )


def issue_all(
    directory: Path, config: ClusterConfig, now: datetime.datetime, making: Callable[[], None] = lambda: None
) -> None:
    """Make every certificate of a cluster that is not there yet, and the service accounts' signing key.

    `making` is called before each that is made.
    """
    authority = Authority(directory, now, making)
    first = config.control_plane
    names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"]
    names += [f"kubernetes.default.svc.{config.cluster_domain}", "localhost", first.name]
    authority.issue(
        "apiserver", "kube-apiserver", hosts=[*names, config.bind, *first.addresses, config.kubernetes_address]
    )
    authority.issue("apiserver-kubelet-client", "kube-apiserver-kubelet-client", organizations=["system:masters"])
    authority.issue("admin", "kubernetes-admin", organizations=["system:masters"])
    for node in config.nodes:
        authority.issue(f"node-{node.name}", f"system:node:{node.name}", organizations=["system:nodes"])
        authority.issue(f"node-{node.name}-serving", f"system:node:{node.name}", hosts=[node.name, *node.addresses])
    front = Authority(directory, now, making, name=FRONT_PROXY_CA, common_name=FRONT_PROXY_CA)
    front.issue(FRONT_PROXY, FRONT_PROXY)
    signer = directory / "sa.key"
    if not signer.exists():
        making()
        _write_key(signer, ec.generate_private_key(ec.SECP256R1()))
    try:
        private_key(signer)
    except ValueError as error:
        raise ConfigError(f"{error}: remove it and `wherry up` makes a new one; tokens signed so far end") from error


def pair(directory: Path, name: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Return the certificate NAME.crt and its key NAME.key; raises ValueError when they are not, or not a pair."""
    crt, key = directory / f"{name}.crt", directory / f"{name}.key"
    try:
        certificate = x509.load_pem_x509_certificate(crt.read_bytes())
    except (OSError, ValueError) as error:
        raise ValueError(f"{crt}: {_why(error, 'no certificate')}") from error
    loaded = private_key(key)
    if certificate.public_key() != loaded.public_key():
        raise ValueError(f"{key}: not the key of {crt.name}")
    return certificate, loaded


def private_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Return the key in a file of ours; raises ValueError when there is none."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(f"{path}: {_why(error, 'no key')}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{path}: no key of ours")
    return key


def _why(error: Exception, otherwise: str) -> str:
    return error.strerror.lower() if isinstance(error, OSError) and error.strerror else otherwise


def _serves(certificate: x509.Certificate, hosts: Sequence[str]) -> bool:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return not hosts
    return set(names) == {_host(h) for h in hosts}


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _authority_identifier(certificate: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    key = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key)


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    files.replace(path, pem)
