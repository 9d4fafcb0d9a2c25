"""Images made on the spot: layers, manifests, indexes; put into a registry, a layout or an archive."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zstandard

from wherry.images import manifest as manifests

BUSYBOX = Path("/bin/busybox")
APPLETS = ("sh", "cat", "ls", "sleep", "id", "httpd", "echo", "touch", "mkdir", "env", "stat", "grep", "find", "wc")


def entry(name: str, content: bytes | str = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    """Return a file of a layer; `fields` are a TarInfo's (type, linkname, mode, uid, pax_headers …)."""
    data = content.encode() if isinstance(content, str) else content
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o644
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data


def folder(name: str, mode: int = 0o755, **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    """Return a folder of a layer."""
    return entry(name, type=tarfile.DIRTYPE, mode=mode, **fields)


def link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    """Return a symbolic link of a layer."""
    return entry(name, type=tarfile.SYMTYPE, linkname=target)


def layer(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """Return a layer's archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, data in entries:
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def shell() -> bytes:
    """Return a layer with Debian's static busybox, its applets by name, and root and nobody as accounts."""
    applets = [entry(f"bin/{name}", type=tarfile.LNKTYPE, linkname="bin/busybox") for name in APPLETS]
    return layer(
        folder("bin"),
        entry("bin/busybox", BUSYBOX.read_bytes(), mode=0o755),
        *applets,
        folder("etc"),
        entry("etc/passwd", "root:x:0:0:root:/root:/bin/sh\napp:x:1234:2345::/srv:/bin/sh\n"),
        entry("etc/group", "root:x:0:\napp:x:2345:\nextra:x:3456:app\n"),
        folder("tmp", 0o1777),
    )


def digest(data: bytes) -> str:
    """Return a digest as registries write it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


PACKED = {
    "": (manifests.OCI_LAYER, lambda data: data),
    "gzip": (f"{manifests.OCI_LAYER}+gzip", lambda data: gzip.compress(data, 1, mtime=0)),
    "zstd": (f"{manifests.OCI_LAYER}+zstd", lambda data: zstandard.ZstdCompressor(1).compress(data)),
}


@dataclass
class Made:
    """An image: its manifest or index, and its blobs by digest."""

    document: bytes
    media_type: str
    blobs: dict[str, bytes] = field(default_factory=dict)
    parts: tuple[Made, ...] = ()

    @property
    def digest(self) -> str:
        return digest(self.document)

    @property
    def config(self) -> Any:
        return json.loads(self.document)["config"]


def image(*layers: bytes, packed: str = "gzip", settings: Mapping[str, Any] | None = None, **config: Any) -> Made:
    """Return an image of these layers; `settings` is the `config` of its configuration."""
    media_type, pack = PACKED[packed]
    blobs: dict[str, bytes] = {}

    def keep(data: bytes, kind: str) -> dict[str, Any]:
        blobs[digest(data)] = data
        return {"mediaType": kind, "digest": digest(data), "size": len(data)}

    described = [keep(pack(one), media_type) for one in layers]
    platform = manifests.here()
    whole = {
        "architecture": platform.architecture,
        "os": "linux",
        "config": settings or {},
        "rootfs": {"type": "layers", "diff_ids": [digest(one) for one in layers]},
        **config,
    }
    document = {
        "schemaVersion": 2,
        "mediaType": manifests.OCI_MANIFEST,
        "config": keep(json.dumps(whole).encode(), manifests.OCI_CONFIG),
        "layers": described,
    }
    return Made(json.dumps(document).encode(), manifests.OCI_MANIFEST, blobs)


def index(images: Iterable[tuple[Made, Mapping[str, str]]]) -> Made:
    """Return an index of images by their platforms."""
    listed, parts, blobs = [], [], {}
    for one, platform in images:
        entry = {"mediaType": one.media_type, "digest": one.digest, "size": len(one.document), "platform": platform}
        listed.append(entry)
        parts.append(one)
        blobs |= one.blobs
    document = {"schemaVersion": 2, "mediaType": manifests.OCI_INDEX, "manifests": listed}
    return Made(json.dumps(document).encode(), manifests.OCI_INDEX, blobs, tuple(parts))


def push(base: str, repository: str, tag: str, made: Made, login: tuple[str, str] | None = None) -> None:
    """Put an image into a registry at `http://HOST:PORT`."""
    for name, data in made.blobs.items():
        try:
            _ask("HEAD", f"{base}/v2/{repository}/blobs/{name}", login=login)
        except urllib.error.HTTPError:
            began = _ask("POST", f"{base}/v2/{repository}/blobs/uploads/", b"", login=login)
            place = began.headers["Location"]
            _ask("PUT", f"{place}{'&' if '?' in place else '?'}digest={name}", data, "application/octet-stream", login)
    for one in (*made.parts, made):
        wanted = tag if one is made else one.digest
        _ask("PUT", f"{base}/v2/{repository}/manifests/{wanted}", one.document, one.media_type, login)


def _ask(method: str, url: str, data: bytes | None = None, kind: str = "", login: tuple[str, str] | None = None) -> Any:
    headers = {"Content-Type": kind} if kind else {}
    if login:
        headers["Authorization"] = "Basic " + base64.b64encode(":".join(login).encode()).decode()
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as answer:
        answer.read()
        return answer


def _archive(path: Path, files: Mapping[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def layout(made: Made, name: str) -> dict[str, bytes]:
    """Return the files of an OCI layout that holds an image under a name."""
    annotations = {"org.opencontainers.image.ref.name": name, "io.containerd.image.name": name}
    listed = {"mediaType": made.media_type, "digest": made.digest, "size": len(made.document)}
    files = {
        "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
        "index.json": json.dumps({"schemaVersion": 2, "manifests": [{**listed, "annotations": annotations}]}).encode(),
    }
    for one in (made, *made.parts):
        files[f"blobs/sha256/{one.digest[7:]}"] = one.document
    return files | {f"blobs/sha256/{name[7:]}": data for name, data in made.blobs.items()}


def oci_archive(path: Path, made: Made, name: str) -> Path:
    """Write what `skopeo copy … oci-archive:` writes."""
    return _archive(path, layout(made, name))


def docker_save(path: Path, layers: Sequence[bytes], names: Sequence[str], settings: Mapping[str, Any]) -> Path:
    """Write what `docker save` wrote before it wrote layouts."""
    config = {
        "architecture": manifests.here().architecture,
        "os": "linux",
        "config": dict(settings),
        "rootfs": {"type": "layers", "diff_ids": [digest(one) for one in layers]},
    }
    data = json.dumps(config).encode()
    files = {f"{digest(one)[7:]}/layer.tar": one for one in layers}
    listed = [{"Config": f"{digest(data)[7:]}.json", "RepoTags": list(names), "Layers": list(files)}]
    return _archive(path, {f"{digest(data)[7:]}.json": data, **files, "manifest.json": json.dumps(listed).encode()})
