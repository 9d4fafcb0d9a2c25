"""Objects as the controller reads them: from a cluster, asked once, or from manifests without any cluster."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wherry.client.interface import Client
from wherry.ingress.access import may_read
from wherry.ingress.fronts.build import build
from wherry.ingress.fronts.gateway import resources as gateway
from wherry.ingress.fronts.gateway.snapshot import Gateways
from wherry.ingress.fronts.ingress.snapshot import Snapshot
from wherry.ingress.options import Options
from wherry.ingress.report import backend_problems
from wherry.ingress.route.backend import Backend, BackendRef, resolve
from wherry.ingress.route.model import Model
from wherry.ingress.route.problem import Key, Problem
from wherry.objects import Object, metadata
from wherry.objects import resource as known
from wherry.objects.meaning.wellknown import SERVICE_NAME
from wherry.objects.resource import Resource


class UnsupportedManifest(ValueError):
    """A manifest is of an API version that only an API server can convert."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The objects that matter, the model made of them, and its backends.

    `endpoints_known`: whether there is any endpoint among them; of manifests alone nobody can tell.
    """

    snapshot: Snapshot
    model: Model
    backends: Mapping[BackendRef, Backend]
    endpoints_known: bool = True

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Return what is wrong with the objects."""
        return (*self.model.problems, *backend_problems(self.model, list(self.backends.values())))


def read(objects: Iterable[Object], options: Options) -> Reading:
    """Return the reading of a set of objects; kinds that do not matter are passed over.

    Raises `UnsupportedManifest` for an Ingress of another version than networking.k8s.io/v1.
    """
    by_kind: defaultdict[str, list[Object]] = defaultdict(list)
    for obj in objects:
        check_version(obj)
        by_kind[obj.get("kind", "")].append(in_namespace(obj))
    config_maps = _by_key(by_kind["ConfigMap"])
    snapshot = Snapshot(
        ingresses=by_kind["Ingress"],
        classes=by_kind["IngressClass"] or None,
        services=_by_key(by_kind["Service"]),
        secrets={k: _with_data(s) for k, s in _by_key(by_kind["Secret"]).items()},
        config_maps=config_maps,
        config_map=config_maps.get(options.config_map) if options.config_map else None,
        tcp_services=config_maps.get(options.tcp_services) if options.tcp_services else None,
        udp_services=config_maps.get(options.udp_services) if options.udp_services else None,
        gateways=Gateways(
            classes=by_kind["GatewayClass"],
            gateways=by_kind["Gateway"],
            routes=by_kind["HTTPRoute"],
            grants=by_kind["ReferenceGrant"],
            namespaces={metadata.key(o)[1]: metadata.labels(o) for o in by_kind["Namespace"]},
        ),
    )
    model = build(snapshot, options.choices())
    sources = _sources(by_kind["EndpointSlice"] or by_kind["Endpoints"])
    backends = {
        ref: resolve(ref, snapshot.services.get((ref.namespace, ref.service)), sources[ref.namespace, ref.service])
        for ref in sorted(model.backends)
    }
    return Reading(snapshot, model, backends, bool(by_kind["EndpointSlice"] or by_kind["Endpoints"]))


def check_version(obj: Object) -> None:
    """Raise `UnsupportedManifest` for an Ingress of another version than networking.k8s.io/v1."""
    if obj.get("kind") == "Ingress" and obj.get("apiVersion") != known.INGRESSES.api_version:
        raise UnsupportedManifest(
            f"Ingress {metadata.key(obj)[1]} is {obj.get('apiVersion')}: only {known.INGRESSES.api_version} can be "
            "read from a file; apply it and read the cluster, which converts it"
        )


async def read_cluster(client: Client, options: Options, more: Sequence[Resource] = ()) -> list[Object]:
    """Return every object that matters, and those of `more`, read once; what we may not read is left out."""
    wanted: Sequence[tuple[Resource, str | None]] = [
        (known.INGRESSES, options.namespace),
        (known.INGRESS_CLASSES, None),
        (known.SERVICES, options.namespace),
        (known.ENDPOINT_SLICES, options.namespace),
        (known.SECRETS, options.namespace),
        (known.CONFIG_MAPS, options.namespace),
        (known.NAMESPACES, None),
        (gateway.CLASSES, None),
        *((resource, options.namespace) for resource in (gateway.GATEWAYS, gateway.ROUTES, gateway.GRANTS)),
        *((resource, None) for resource in more),
    ]
    found: list[Object] = []
    for resource, namespace in wanted:
        if await may_read(client, resource, namespace):
            listed = await client.list(resource, namespace)
            found += [{"apiVersion": resource.api_version, "kind": resource.kind, **o} for o in listed.items]
    return found


def in_namespace(obj: Object) -> Object:
    """Return a manifest's object with the namespace it is for: `default` where it says none."""
    meta: dict[str, Any] = {"namespace": "default", **(obj.get("metadata") or {})}
    return {**obj, "metadata": meta}


def _sources(objects: Iterable[Object]) -> defaultdict[Key, list[Object]]:
    found: defaultdict[Key, list[Object]] = defaultdict(list)
    for obj in objects:
        namespace, name = metadata.key(obj)
        found[namespace, metadata.labels(obj).get(SERVICE_NAME, name)].append(obj)
    return found


def _by_key(objects: Iterable[Object]) -> dict[Key, Object]:
    return {metadata.key(o): o for o in objects}


def _with_data(secret: Object) -> Object:
    """Return a Secret with its `stringData` encoded, as the API server does."""
    encoded = {k: base64.b64encode(v.encode()).decode() for k, v in (secret.get("stringData") or {}).items()}
    return {**secret, "data": {**(secret.get("data") or {}), **encoded}}
