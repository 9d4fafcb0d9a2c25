"""`limit` and `continue`: a long list in pages that together show one moment."""

from __future__ import annotations

import base64
import binascii

import msgspec

from wherry.apiserver.state.change import Key
from wherry.objects.errors import BadRequest

AS_IT_IS = -1
"""The revision of a page that shows things as they are when it is asked for, whatever the pages before showed."""


class Continue(msgspec.Struct):
    """Where the next page begins: after `namespace`/`name`, as things were at `revision`, or are (`AS_IT_IS`)."""

    revision: int
    namespace: str
    name: str

    @property
    def after(self) -> Key:
        """The last key of the page before."""
        return self.namespace, self.name

    def token(self) -> str:
        """Return the opaque text for `metadata.continue`."""
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")


def parse(token: str) -> Continue:
    """Return what a token says; raises `BadRequest` when it is not one of ours."""
    try:
        found = msgspec.json.decode(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)), type=Continue)
        if found.revision < AS_IT_IS:
            raise ValueError("it names no version")
    except (binascii.Error, ValueError) as error:
        raise BadRequest(f"continue key is not valid: {error}") from error
    return found
