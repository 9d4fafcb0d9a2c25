"""What may be made of a value at rest: one `Provider` for each key.

Source: apiserver pkg/storage/value/encrypt (aes/aes.go, secretbox/secretbox.go, identity/identity.go).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import Cipher, modes

SEALED = b"k8s:enc:"
"""What every encrypted value begins with; no object does, which are JSON."""
NONCE_LENGTH = 12
BLOCK_LENGTH = 16


class Provider(Protocol):
    """One way to keep a value. Those it has made begin with `prefix`."""

    prefix: bytes

    def seal(self, key: str, value: bytes) -> bytes:
        """Return what to keep under `key` in place of `value`."""
        ...

    def open(self, key: str, sealed: bytes) -> bytes:
        """Return the value again; raises `ValueError` when another key made it, or it was made for another name."""
        ...


class Identity:
    """Values as they are."""

    prefix = b""
    """It has none: its values are those that do not begin with `SEALED`."""

    def seal(self, key: str, value: bytes) -> bytes:
        """Return the value."""
        return value

    def open(self, key: str, sealed: bytes) -> bytes:
        """Return the value."""
        return sealed


class AesGcm:
    """AES in Galois/counter mode, bound to the name of what it is. 16, 24 or 32 bytes of secret.

    Nonces are random: a key is good for some hundred thousand writes (upstream's advice is a new one every 200,000).
    """

    def __init__(self, name: str, secret: bytes):
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # here, and below: most stores need none

        self.prefix = _prefix("aesgcm", name)
        self._cipher = AESGCM(secret)

    def seal(self, key: str, value: bytes) -> bytes:
        """Return nonce, cipher text and tag."""
        nonce = os.urandom(NONCE_LENGTH)
        return self.prefix + nonce + self._cipher.encrypt(nonce, value, key.encode())

    def open(self, key: str, sealed: bytes) -> bytes:
        """Return the value; raises `ValueError`."""
        from cryptography.exceptions import InvalidTag

        body = sealed.removeprefix(self.prefix)
        try:
            return self._cipher.decrypt(body[:NONCE_LENGTH], body[NONCE_LENGTH:], key.encode())
        except InvalidTag:
            raise ValueError("its tag is wrong") from None


class AesCbc:
    """AES in cipher block chaining mode with PKCS #7 padding. 16, 24 or 32 bytes of secret.

    Nothing proves a value to be what was written: it is here for what others have written so.
    """

    def __init__(self, name: str, secret: bytes):
        from cryptography.hazmat.primitives import padding
        from cryptography.hazmat.primitives.ciphers import algorithms

        self.prefix = _prefix("aescbc", name)
        self._algorithm = algorithms.AES(secret)
        self._padding = padding.PKCS7(BLOCK_LENGTH * 8)

    def seal(self, key: str, value: bytes) -> bytes:
        """Return initialisation vector and cipher text."""
        vector, padder = os.urandom(BLOCK_LENGTH), self._padding.padder()
        encryptor = self._cipher(vector).encryptor()
        return self.prefix + vector + encryptor.update(padder.update(value) + padder.finalize()) + encryptor.finalize()

    def open(self, key: str, sealed: bytes) -> bytes:
        """Return the value; raises `ValueError` for one of no whole blocks, or of a wrong padding."""
        body = sealed.removeprefix(self.prefix)
        decryptor, unpadder = self._cipher(body[:BLOCK_LENGTH]).decryptor(), self._padding.unpadder()
        padded = decryptor.update(body[BLOCK_LENGTH:]) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()

    def _cipher(self, vector: bytes) -> Cipher[modes.CBC]:
        from cryptography.hazmat.primitives.ciphers import Cipher, modes

        return Cipher(self._algorithm, modes.CBC(vector))


class SecretBox:
    """NaCl's XSalsa20 with Poly1305. 32 bytes of secret."""

    def __init__(self, name: str, secret: bytes):
        from nacl.secret import SecretBox as Box

        self.prefix = _prefix("secretbox", name)
        self._box = Box(secret)

    def seal(self, key: str, value: bytes) -> bytes:
        """Return nonce and box."""
        return self.prefix + bytes(self._box.encrypt(value))

    def open(self, key: str, sealed: bytes) -> bytes:
        """Return the value; raises `ValueError`."""
        from nacl.exceptions import CryptoError

        try:
            return self._box.decrypt(sealed.removeprefix(self.prefix))
        except CryptoError:
            raise ValueError("its authenticator is wrong") from None


def _prefix(provider: str, name: str) -> bytes:
    return SEALED + f"{provider}:v1:{name}:".encode()
