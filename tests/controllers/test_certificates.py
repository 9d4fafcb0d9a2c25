"""Which requests are signed, what is issued, and when they are forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.controllers.builders import running, until
from tests.controllers.requests import NODE, csr, decided, key, request
from tests.fake.client import FakeClient
from wherry.controllers.certificates import issuing, policy
from wherry.controllers.certificates.cleaner import CertificateCleaner, ends
from wherry.objects.meaning import signing
from wherry.objects.meaning.signing import CLIENT, KUBELET_CLIENT, KUBELET_SERVING, LEGACY
from wherry.objects.resource import CERTIFICATE_SIGNING_REQUESTS
from wherry.objects.timestamps import parse, rfc3339

NOW = parse("2026-06-01T00:00:00Z")
HOUR, DAY = 3600, 24 * 3600
NODES = ["system:nodes"]
ADDRESS = x509.IPAddress(ip_address("192.168.51.209"))
HOST = x509.DNSName("n1")
MAIL, URI = x509.RFC822Name("a@example.com"), x509.UniformResourceIdentifier("spiffe://a/b")
SERVING = ("digital signature", "server auth")


@pytest.mark.parametrize(
    ("signer", "name", "organizations", "alternatives", "usages", "expected"),
    [
        (CLIENT, "jane", ["dev"], [HOST], ["client auth"], ""),
        (CLIENT, "jane", [], [], ["client auth", "key encipherment", "digital signature"], ""),
        (CLIENT, "jane", [], [], ["digital signature"], "missing required usage for client certificate: client auth"),
        (
            *(CLIENT, "jane", [], [], ["client auth", "server auth"]),
            "invalid usage for client certificate: server auth",
        ),
        (KUBELET_CLIENT, NODE, NODES, [], ["client auth", "digital signature"], ""),
        (KUBELET_CLIENT, NODE, NODES, [], ["key encipherment", "client auth", "digital signature"], ""),
        (
            *(KUBELET_CLIENT, NODE, NODES, [], ["client auth"]),
            "usages did not match those of a kubelet client certificate: client auth, digital signature, perhaps key "
            "encipherment",
        ),
        (
            *(KUBELET_CLIENT, NODE, ["dev"], [], ["client auth", "digital signature"]),
            "subject organization is not system:nodes",
        ),
        (
            *(KUBELET_CLIENT, NODE, [*NODES, "dev"], [], ["client auth", "digital signature"]),
            "subject organization is not system:nodes",
        ),
        (
            *(KUBELET_CLIENT, "n1", NODES, [], ["client auth", "digital signature"]),
            "subject common name does not begin with system:node:",
        ),
        (
            *(KUBELET_CLIENT, NODE, NODES, [HOST], ["client auth", "digital signature"]),
            "DNS subjectAltNames are not allowed",
        ),
        (
            *(KUBELET_CLIENT, NODE, NODES, [ADDRESS], ["client auth", "digital signature"]),
            "IP subjectAltNames are not allowed",
        ),
        (KUBELET_SERVING, NODE, NODES, [HOST, ADDRESS], SERVING, ""),
        (KUBELET_SERVING, NODE, NODES, [ADDRESS], [*SERVING, "key encipherment"], ""),
        (KUBELET_SERVING, NODE, NODES, [], SERVING, "DNS or IP subjectAltName is required"),
        (KUBELET_SERVING, NODE, NODES, [HOST, MAIL], SERVING, "Email subjectAltNames are not allowed"),
        (KUBELET_SERVING, NODE, NODES, [HOST, URI], SERVING, "URI subjectAltNames are not allowed"),
        (
            *(KUBELET_SERVING, NODE, NODES, [HOST], ["client auth", "digital signature"]),
            "usages did not match those of a kubelet serving certificate: digital signature, server auth, perhaps key "
            "encipherment",
        ),
        (LEGACY, "", [], [MAIL], ["code signing"], ""),
    ],
)
def test_a_signer_takes_what_its_rules_say(
    signer: str,
    name: str,
    organizations: Sequence[str],
    alternatives: Sequence[x509.GeneralName],
    usages: Sequence[str],
    expected: str,
) -> None:
    asked = request(name, organizations, alternatives)
    assert policy.problem(csr(asked, signer, usages), asked) == expected


def test_a_node_is_known_by_what_it_asks_and_itself_by_who_asks() -> None:
    asked = request(NODE, NODES)
    usages = ("client auth", "digital signature")
    by_itself, by_another = (csr(asked, KUBELET_CLIENT, usages, username=user) for user in (NODE, "system:node:n2"))
    assert policy.is_of_node(by_itself, asked)
    assert policy.is_of_node(by_another, asked)
    assert policy.is_of_node_itself(by_itself, asked)
    assert not policy.is_of_node_itself(by_another, asked)
    assert not policy.is_of_node(csr(asked, CLIENT, usages), asked)


def authority(days: int = 3650) -> issuing.Authority:
    own = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")])
    begins = issuing.datetime.fromtimestamp(NOW - DAY, issuing.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(own.public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(begins + issuing.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(own, hashes.SHA256())
    )
    return issuing.Authority(certificate, own)


def test_what_is_issued_says_what_was_asked_and_no_more() -> None:
    by = authority()
    asked = request(
        "jane", ["dev", "ops"], [HOST, ADDRESS, x509.RegisteredID(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)]
    )
    issued = issuing.issue(asked, ["client auth", "digital signature", "signing"], by, NOW, HOUR)
    issued.verify_directly_issued_by(by.certificate)
    assert issued.subject == asked.subject
    assert issued.public_key() == key().public_key()
    assert issued.not_valid_before_utc.timestamp() == NOW - 300
    assert issued.not_valid_after_utc.timestamp() == NOW + HOUR
    extension = issued.extensions.get_extension_for_class
    assert not extension(x509.BasicConstraints).value.ca
    assert list(extension(x509.SubjectAlternativeName).value) == [HOST, ADDRESS]
    assert list(extension(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    usage = extension(x509.KeyUsage).value
    assert usage.digital_signature
    assert not usage.key_cert_sign
    assert not usage.key_encipherment
    assert not extension(x509.SubjectAlternativeName).critical
    nameless = issuing.issue(request("", [], [HOST]), ["server auth"], by, NOW, HOUR)
    assert nameless.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical


def test_nothing_outlives_its_authority() -> None:
    by = authority(days=2)
    issued = issuing.issue(request("jane"), ["client auth"], by, NOW, 10 * DAY)
    assert issued.not_valid_after_utc == by.certificate.not_valid_after_utc


@pytest.mark.parametrize(("asked", "expected"), [(None, DAY), (3600, 3600), (60, 600), (2 * DAY, DAY)])
def test_a_time_is_as_asked_within_what_is_allowed(asked: int | None, expected: int) -> None:
    assert issuing.seconds(asked, DAY) == expected


def test_a_request_that_another_key_signed_is_refused() -> None:
    der = bytearray(request("jane").public_bytes(serialization.Encoding.DER))
    der[der.index(b"jane")] ^= 1
    with pytest.raises(ValueError, match="not signed by the key"):
        issuing.issue(x509.load_der_x509_csr(bytes(der)), ["client auth"], authority(), NOW, HOUR)


def test_a_usage_that_needs_another_is_refused() -> None:
    with pytest.raises(ValueError, match="key_agreement"):
        issuing.issue(request("jane"), ["encipher only"], authority(), NOW, HOUR)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), DAY),
        (("Approved",), 2 * HOUR),
        (("Denied",), 2 * HOUR),
        (("Approved", "Failed"), 2 * HOUR),
        (("Other",), DAY),
    ],
)
def test_a_request_is_forgotten_an_hour_after_it_was_decided_and_a_day_after_it_came(
    words: Sequence[str], expected: int
) -> None:
    assert (
        ends(decided(csr(request("jane")), *words, at="2026-01-01T01:00:00Z"))
        == parse("2026-01-01T00:00:00Z") + expected
    )


def test_a_request_is_forgotten_with_its_certificate() -> None:
    issued = issuing.issue(request("jane"), ["client auth"], authority(), NOW, 600)
    found = decided(csr(request("jane")), "Approved", at="2026-06-01T00:00:00Z")
    found["status"]["certificate"] = signing.encoded(issued)
    assert ends(found) == NOW + 600
    found["status"]["certificate"] = "bm9uc2Vuc2U="
    assert ends(found) == NOW + HOUR


async def test_the_cleaner_waits_for_the_end() -> None:
    old, young = (csr(request("jane")) | {"metadata": {"name": name, "uid": name}} for name in ("old", "young"))
    old["metadata"]["creationTimestamp"] = rfc3339(NOW - DAY)
    young["metadata"]["creationTimestamp"] = rfc3339(NOW - DAY + 1)
    client, now = FakeClient(old, young), NOW
    async with running(client, [CertificateCleaner], clock=lambda: now):
        await until(lambda: client.peek(CERTIFICATE_SIGNING_REQUESTS, "old") is None)
        assert client.peek(CERTIFICATE_SIGNING_REQUESTS, "young")
        now = NOW + 1
        await until(lambda: client.peek(CERTIFICATE_SIGNING_REQUESTS, "young") is None)
