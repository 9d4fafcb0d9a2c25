"""Images as an OCI layout lists them: `index.json`, and blobs by their digests.

Source: opencontainers/image-spec image-layout.md; the annotations are those of containerd and of the specification.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from wherry.images import manifest as manifests
from wherry.images.archive import files
from wherry.images.archive.files import Tree
from wherry.images.archive.listed import Listed
from wherry.images.errors import ContentError
from wherry.images.manifest import Descriptor

MARK = "oci-layout"
INDEX = "index.json"
WHOLE_NAME = "io.containerd.image.name"
NAME = "org.opencontainers.image.ref.name"
"""The whole name, as containerd and Docker write it, and what the specification has: a tag, or whatever one likes."""


class _Layout(msgspec.Struct, rename="camel"):
    manifests: tuple[Descriptor, ...]


def place(digest: str) -> str:
    """Return where a blob is in a layout."""
    return f"blobs/sha256/{digest.partition(':')[2]}"


def images(tree: Tree) -> Iterator[Listed]:
    """Yield the images of a layout; one that has several names is several. Raises ContentError."""
    try:
        layout = msgspec.json.decode(files.document(tree, INDEX), type=_Layout)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ContentError(f"its {INDEX} cannot be read: {error}") from error
    for one in layout.manifests:
        if one.media_type not in manifests.ACCEPTED:
            continue  # an attestation, a signature
        notes = one.annotations or {}
        name = notes.get(WHOLE_NAME) or notes.get(NAME, "")
        document = files.document(tree, place(one.digest))
        if manifests.digest_of(document) != one.digest:
            raise ContentError(f"the blob {one.digest} is damaged: it is {manifests.digest_of(document)}")
        yield Listed((name,) if name else (), document, one.media_type, lambda digest: tree.open(place(digest)))
