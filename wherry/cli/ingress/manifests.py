"""Kubernetes manifests from files, or one line about the file that holds something else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TextIO

import click

from wherry.ingress.lint import Document
from wherry.objects import Object


def read(files: Iterable[TextIO]) -> list[Object]:
    """Return the objects of YAML or JSON files, those of Lists one by one; raises `click.ClickException`."""
    return [document.obj for file in files for document in documents(file)]


def documents(file: TextIO) -> list[Document]:
    """Return the objects of one file with their places; raises `click.ClickException`."""
    return [Document(file.name, number, obj) for number, one in _parsed(file) for obj in _objects(file.name, one)]


def _parsed(file: TextIO) -> Iterator[tuple[int, Any]]:
    """Yield the documents that are not empty, counted from 1."""
    import yaml  # here, since the controller itself reads none

    try:
        found = [(number, one) for number, one in enumerate(yaml.safe_load_all(file), 1) if one]
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise click.ClickException(f"{file.name}: {reason}") from error
    if not found:
        raise click.ClickException(f"{file.name} is empty: give a file of Kubernetes objects, such as an Ingress")
    yield from found


def _objects(name: str, document: Any) -> list[Object]:
    """Return the object a document is, or those of a List."""
    if isinstance(document, dict) and str(document.get("kind", "")).endswith("List"):
        return [obj for item in document.get("items") or () for obj in _objects(name, item)]
    if not isinstance(document, dict) or not document.get("kind") or not document.get("apiVersion"):
        raise click.ClickException(
            f"{name}: a document is no Kubernetes object (it has no apiVersion and kind): give an Ingress' manifest"
        )
    if not isinstance(document.get("metadata"), dict) or not document["metadata"].get("name"):
        raise click.ClickException(f"{name}: {document['kind']} has no metadata.name")
    return [document]
