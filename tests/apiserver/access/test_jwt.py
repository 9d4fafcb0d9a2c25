"""Tokens: what is signed is read back, and nothing else."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from wherry.apiserver.access.jwt import BadToken, Signer

KEYS = {
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
}


def write(path: Path, key: serialization.PrivateFormat) -> Path:
    plain = serialization.NoEncryption()
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))  # type: ignore[attr-defined]
    return path


@pytest.fixture(params=KEYS)
def signer(request: pytest.FixtureRequest, tmp_path: Path) -> Signer:
    signer = Signer(write(tmp_path / "key", KEYS[request.param]()))
    assert signer.algorithm == request.param
    return signer


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_claims_come_back(signer: Signer) -> None:
    claims = {"sub": "x", "exp": 12, "nested": {"a": ["b"]}}
    assert signer.claims(signer.sign(claims)) == claims


def test_a_changed_token_is_refused(signer: Signer) -> None:
    header, payload, signature = signer.sign({"sub": "x"}).split(".")
    for forged in (
        f"{header}.{part({'sub': 'y'})}.{signature}",
        f"{header}.{payload}.{signature[:-8]}AAAAAAAA",
        f"{header}.{payload}.",
        f"{header}.{payload}",
        f"{part({'alg': 'none'})}.{payload}.",
        f"{part({'alg': 'HS256'})}.{payload}.{signature}",
        "",
        "a.b.c",
        "é.é.é",
        f"{part([1])}.{payload}.{signature}",
    ):
        with pytest.raises(BadToken):
            signer.claims(forged)


def test_another_keys_token_is_refused(signer: Signer, tmp_path: Path) -> None:
    for make in KEYS.values():
        other = Signer(write(tmp_path / "other", make()))
        with pytest.raises(BadToken):
            signer.claims(other.sign({"sub": "x"}))


def test_the_public_key_verifies_what_the_private_key_signed(signer: Signer) -> None:
    """The JSON Web Key, read back with plain numbers, is the same public key."""
    jwk = signer.jwk()

    def number(name: str) -> int:
        return int.from_bytes(base64.urlsafe_b64decode(jwk[name] + "=="), "big")

    assert jwk["alg"] == signer.algorithm
    assert jwk["kid"] == signer.key_id
    if jwk["kty"] == "EC":
        public: object = ec.EllipticCurvePublicNumbers(number("x"), number("y"), ec.SECP256R1()).public_key()
    else:
        public = rsa.RSAPublicNumbers(number("e"), number("n")).public_key()
    assert public == signer._key.public_key()


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="signed with an RSA or a P-256 key"):
        Signer(write(tmp_path / "key", ed25519.Ed25519PrivateKey.generate()))
