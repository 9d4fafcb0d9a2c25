"""JSON Web Tokens signed with one key: RS256 with RSA, ES256 with P-256.

Source: RFC 7515 (JWS), RFC 7638 (thumbprint as key id). What claims mean is `accounts.py`'s business.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

Claims = dict[str, Any]
_MEMBERS = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}
"""The required members of a public key's JWK, in the order of RFC 7638 §3.2."""


LONGEST_TOKEN = 1 << 14
"""Characters. Those of this server have about 1,200, with all that a pod's says."""


class BadToken(Exception):
    """Not a token of this key."""


class Signer:
    """Signs and verifies with the private key in the PEM file `path`; raises `ValueError` for a key of another type."""

    def __init__(self, path: Path):
        key = load_pem_private_key(path.read_bytes(), None)
        if isinstance(key, rsa.RSAPrivateKey):
            self.algorithm, jwk = "RS256", RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        elif isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
            self.algorithm, jwk = "ES256", ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
        else:
            raise ValueError(f"{path}: service account tokens are signed with an RSA or a P-256 key")
        self._key, self._public = key, key.public_key()
        self._members = {name: str(jwk[name]) for name in _MEMBERS[jwk["kty"]]}
        thumbprint = hashlib.sha256(msgspec.json.encode(self._members)).digest()
        self.key_id = base64.urlsafe_b64encode(thumbprint).decode().rstrip("=")
        self._jws = jwt.PyJWS([self.algorithm])

    def sign(self, claims: Claims) -> str:
        """Return the token for `claims`."""
        return self._jws.encode(msgspec.json.encode(claims), self._key, self.algorithm, {"kid": self.key_id})

    def claims(self, token: str) -> Claims:
        """Return the claims of a token this key has signed, whatever they say; raises `BadToken`."""
        if len(token) > LONGEST_TOKEN:
            raise BadToken(f"a token of more than {LONGEST_TOKEN} characters")
        try:
            claims: Claims = msgspec.json.decode(self._jws.decode(token, self._public, [self.algorithm]), type=Claims)
        except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
            raise BadToken("not a token of this server") from error
        return claims

    def jwk(self) -> dict[str, str]:
        """Return the public key as a JSON Web Key (RFC 7517)."""
        return {**self._members, "use": "sig", "alg": self.algorithm, "kid": self.key_id}
