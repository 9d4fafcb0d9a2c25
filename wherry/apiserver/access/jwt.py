"""JSON Web Tokens signed with one key: RS256 with RSA, ES256 with P-256.

Source: RFC 7515 (JWS compact serialization), RFC 7518 (algorithms), RFC 7638 (thumbprint as key id).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

Claims = dict[str, Any]
_P256_BYTES = 32


class BadToken(Exception):
    """Not a token of this key."""


class Signer:
    """Signs and verifies with the private key in the PEM file `path`; raises `ValueError` for a key of another type."""

    def __init__(self, path: Path):
        key = load_pem_private_key(path.read_bytes(), None)
        if isinstance(key, rsa.RSAPrivateKey):
            self.algorithm = "RS256"
        elif isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
            self.algorithm = "ES256"
        else:
            raise ValueError(f"{path}: service account tokens are signed with an RSA or a P-256 key")
        self._key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = key
        self.key_id = _encode(hashlib.sha256(msgspec.json.encode(self._thumbprint_members())).digest())
        header = {"alg": self.algorithm, "kid": self.key_id}
        self._header = _encode(msgspec.json.encode(header))

    def sign(self, claims: Claims) -> str:
        """Return the token for `claims`."""
        signed = f"{self._header}.{_encode(msgspec.json.encode(claims))}"
        return f"{signed}.{_encode(self._signature(signed.encode()))}"

    def claims(self, token: str) -> Claims:
        """Return the claims of a token this key has signed, whatever they say; raises `BadToken`."""
        try:
            header, payload, signature = token.split(".")
            algorithm = msgspec.json.decode(_decode(header)).get("alg")
            if algorithm != self.algorithm:
                raise BadToken(f"signed with {algorithm}")
            self._verify(f"{header}.{payload}".encode(), _decode(signature))
            claims: Claims = msgspec.json.decode(_decode(payload), type=dict[str, Any])
        except (ValueError, AttributeError, InvalidSignature) as error:
            raise BadToken("not a token of this server") from error
        return claims

    def jwk(self) -> dict[str, str]:
        """Return the public key as a JSON Web Key (RFC 7517)."""
        return {**self._thumbprint_members(), "use": "sig", "alg": self.algorithm, "kid": self.key_id}

    def _thumbprint_members(self) -> dict[str, str]:
        """Return the required members in lexicographic order (RFC 7638 §3.2)."""
        if isinstance(self._key, rsa.RSAPrivateKey):
            public = self._key.public_key().public_numbers()
            return {"e": _number(public.e), "kty": "RSA", "n": _number(public.n)}
        point = self._key.public_key().public_numbers()
        x, y = (_encode(n.to_bytes(_P256_BYTES, "big")) for n in (point.x, point.y))
        return {"crv": "P-256", "kty": "EC", "x": x, "y": y}

    def _signature(self, data: bytes) -> bytes:
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        r, s = decode_dss_signature(self._key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(_P256_BYTES, "big") + s.to_bytes(_P256_BYTES, "big")

    def _verify(self, data: bytes, signature: bytes) -> None:
        if isinstance(self._key, rsa.RSAPrivateKey):
            self._key.public_key().verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
            return
        if len(signature) != 2 * _P256_BYTES:
            raise InvalidSignature
        r, s = (int.from_bytes(half, "big") for half in (signature[:_P256_BYTES], signature[_P256_BYTES:]))
        self._key.public_key().verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error


def _number(value: int) -> str:
    return _encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))
