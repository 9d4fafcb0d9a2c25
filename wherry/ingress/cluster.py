"""The cluster as the controller sees it: informers, and what changed since the model was last made.

Endpoints change often and touch one backend; everything else is rare and may touch all. So `take` hands out the
Services that changed, and whether the rest did.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence

from wherry.client.interface import Client
from wherry.component.component import Component
from wherry.component.informer import Informer
from wherry.ingress.access import may_read
from wherry.ingress.fronts.ingress.snapshot import Snapshot
from wherry.ingress.gateways import GatewayObjects
from wherry.ingress.options import Options
from wherry.ingress.route.problem import Key
from wherry.objects import Object, metadata
from wherry.objects import resource as known
from wherry.objects.meaning.wellknown import SERVICE_NAME
from wherry.objects.resource import Resource

SECRETS_OF_INTEREST = (
    "type!=kubernetes.io/service-account-token,type!=helm.sh/release.v1,type!=kubernetes.io/dockerconfigjson"
)
"""Certificates, passwords, authorities: of any type but those that are many and never any of these."""

log = logging.getLogger(__name__)


class Cluster:
    """The objects we follow. Make one with `Cluster.open`."""

    def __init__(
        self, component: Component, options: Options, *, slices: bool, classes: bool, maps: Iterable[str | None]
    ):
        self._options = options
        self.changed = asyncio.Event()
        self._rules_changed = True
        self._services_changed: set[Key] = set()
        self._sources: defaultdict[Key, dict[str, Object]] = defaultdict(dict)
        namespace = options.namespace
        self.ingresses = component.follow(known.INGRESSES, namespace)
        self.services = component.follow(known.SERVICES, namespace)
        self._secrets = component.follow(known.SECRETS, namespace, fields=SECRETS_OF_INTEREST)
        self._endpoints = component.follow(known.ENDPOINT_SLICES if slices else known.ENDPOINTS, namespace)
        self._classes = component.follow(known.INGRESS_CLASSES) if classes else None
        self._config_maps = {
            key: _one(component, known.CONFIG_MAPS, key)
            for key in (options.config_map, options.tcp_services, options.udp_services)
            if key
        }
        self._named_maps = [component.follow(known.CONFIG_MAPS, where) for where in maps]
        certificate = options.default_certificate
        self._default_certificate = _one(component, known.SECRETS, certificate) if certificate else None
        self.gateways = GatewayObjects(component, options, self.mark_rules)
        self._subscribe()

    @classmethod
    async def open(cls, component: Component, options: Options) -> Cluster:
        """Return the view our rights allow: Endpoints instead of EndpointSlices, no IngressClasses, where refused."""
        client = component.client
        slices = await may_read(client, known.ENDPOINT_SLICES, options.namespace)
        if not slices:
            log.warning("EndpointSlices may not be read (see RBAC): following Endpoints instead")
        classes = await may_read(client, known.INGRESS_CLASSES)
        if not classes:
            log.warning("IngressClasses may not be read (see RBAC): ingressClassName is compared with --ingress-class")
        maps = await _places_of_maps(client, options)
        return cls(component, options, slices=slices, classes=classes, maps=maps)

    def take(self) -> tuple[bool, set[Key]]:
        """Return whether rules changed, and the Services that did (or their endpoints); both count as seen then."""
        self.changed.clear()
        rules, services = self._rules_changed, self._services_changed
        self._rules_changed, self._services_changed = False, set()
        return rules, services

    def mark_all(self) -> None:
        """Have everything looked at anew: who took the last changes could make no use of them."""
        self._services_changed.update(self._sources)
        self.mark_rules()

    def snapshot(self) -> Snapshot:
        """Return the objects rules are made from."""
        return Snapshot(
            ingresses=self.ingresses.items(),
            classes=self._classes.items() if self._classes else None,
            services={metadata.key(o): o for o in self.services.items()},
            secrets={metadata.key(o): o for o in self._secrets.items()},
            config_maps={metadata.key(o): o for maps in self._named_maps for o in maps.items()},
            config_map=self.config_map(self._options.config_map),
            tcp_services=self.config_map(self._options.tcp_services),
            udp_services=self.config_map(self._options.udp_services),
            gateways=self.gateways.snapshot(),
        )

    def sources(self, service: Key) -> Sequence[Object]:
        """Return the EndpointSlices of a Service, or its Endpoints."""
        return list(self._sources.get(service, {}).values())

    def config_map(self, key: Key | None) -> Object | None:
        """Return one of the ConfigMaps the options name."""
        return self._config_maps[key].get(*key) if key else None

    def default_certificate(self) -> Object | None:
        """Return the Secret of `--default-ssl-certificate`."""
        key = self._options.default_certificate
        return self._default_certificate.get(*key) if self._default_certificate and key else None

    # What changes

    def _subscribe(self) -> None:
        self.ingresses.subscribe(self._ingress_changed)
        self.services.subscribe(self._service_changed)
        self._endpoints.subscribe(self._endpoints_changed)
        for informer in self._rule_informers():
            informer.subscribe(lambda old, new: self.mark_rules())
        for maps in self._named_maps:
            maps.subscribe(self._map_changed)

    def _rule_informers(self) -> Iterable[Informer]:
        yield self._secrets
        yield from self._config_maps.values()
        yield from (informer for informer in (self._classes, self._default_certificate) if informer)

    def _ingress_changed(self, old: Object | None, new: Object | None) -> None:
        """Pass over what we, or others, only wrote to the status."""
        if old is None or new is None or _asked(old) != _asked(new):
            self.mark_rules()

    def _map_changed(self, old: Object | None, new: Object | None) -> None:
        """Pass over who is elected a leader: that is in annotations."""
        if (old or {}).get("data") != (new or {}).get("data"):
            self.mark_rules()

    def _service_changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and new is not None and old.get("spec") == new.get("spec"):
            return
        service = metadata.key(new or old or {})
        options = self._options
        named = options.tcp_services or options.udp_services or self.gateways.there
        if named or service == options.default_service:
            self._rules_changed = True
        self._mark_service(service)

    def _endpoints_changed(self, old: Object | None, new: Object | None) -> None:
        for obj, present in ((old, False), (new, True)):
            if obj is None:
                continue
            namespace, name = metadata.key(obj)
            service = (namespace, metadata.labels(obj).get(SERVICE_NAME, "") if "addressType" in obj else name)
            if present:
                self._sources[service][name] = obj
            else:
                self._sources[service].pop(name, None)
            self._mark_service(service)

    def mark_rules(self) -> None:
        """Let the model be made anew."""
        self._rules_changed = True
        self.changed.set()

    def mark_services(self, services: Iterable[Key]) -> None:
        """Let the endpoints of some Services be looked at anew."""
        self._services_changed.update(services)
        self.changed.set()

    def _mark_service(self, service: Key) -> None:
        if not self._sources.get(service):
            self._sources.pop(service, None)
        self._services_changed.add(service)
        self.changed.set()


async def _places_of_maps(client: Client, options: Options) -> list[str | None]:
    """Return where ConfigMaps with headers are followed: where Ingresses are, and in our own ConfigMap's namespace."""
    own = {options.config_map[0]} if options.config_map else set()
    if await may_read(client, known.CONFIG_MAPS, options.namespace):
        return [options.namespace, *(own - {options.namespace} if options.namespace else ())]
    log.warning("ConfigMaps may not be read (see RBAC): custom-headers and auth-proxy-set-headers find none")
    return [*own]


def _one(component: Component, resource: Resource, key: Key) -> Informer:
    namespace, name = key
    return component.follow(resource, namespace, fields=f"metadata.name={name}")


def _asked(ingress: Object) -> tuple[object, object]:
    return ingress.get("spec"), metadata.annotations(ingress)
