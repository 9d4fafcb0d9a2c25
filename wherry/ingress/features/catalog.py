"""The table of all features: what they declare, and the parts they make for an Ingress and for everybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from wherry.ingress.features import (
    affinity,
    authcache,
    backendtls,
    balancing,
    basicauth,
    bodies,
    buffers,
    canary,
    ciphers,
    clienttls,
    clusterip,
    compression,
    cors,
    customheaders,
    errors,
    externalauth,
    forwarded,
    headers,
    hostnames,
    limits,
    logs,
    mirroring,
    passthrough,
    plain,
    protocol,
    redirects,
    responses,
    retries,
    rewriting,
    satisfy,
    sources,
    timeouts,
    variables,
)
from wherry.ingress.features.annotation import Annotation, Setting
from wherry.ingress.features.part import Closed, Part, Sources
from wherry.ingress.features.policy import Policy

FEATURES: Final = (
    plain,
    forwarded,
    variables,
    redirects,
    logs,
    sources,
    basicauth,
    authcache,
    externalauth,
    clienttls,
    errors,
    satisfy,
    limits,
    bodies,
    buffers,
    timeouts,
    retries,
    responses,
    headers,
    customheaders,
    cors,
    affinity,
    balancing,
    clusterip,
    canary,
    mirroring,
    backendtls,
    ciphers,
    hostnames,
    passthrough,
    compression,
    rewriting,
    protocol,
)
"""In the order their directives have in a location. `protocol` passes the request on and is the last."""

ANNOTATIONS: Final[Mapping[str, Annotation]] = {
    a.name: a for feature in FEATURES for a in getattr(feature, "ANNOTATIONS", ())
}
"""The supported annotations by name, without the prefix."""

SETTINGS: Final[Mapping[str, Annotation | Setting]] = {
    **{a.name: a for a in ANNOTATIONS.values() if a.setting},
    **{s.name: s for feature in FEATURES for s in getattr(feature, "SETTINGS", ())},
}
"""The keys of the ConfigMap that features own."""

DEFAULTS: Final[Mapping[str, Any]] = {
    **{a.name: a.default for a in ANNOTATIONS.values()},
    **{s.name: s.default for s in SETTINGS.values()},
}
"""What holds where nobody says anything."""


def parts(policy: Policy, given: Sources) -> tuple[tuple[Part, ...], tuple[Closed, ...]]:
    """Return what the features add to the locations of an Ingress, and why they must be closed, if so."""
    found: list[Part] = []
    closed: list[Closed] = []
    for feature in FEATURES:
        of = getattr(feature, "of", None)
        try:
            made = of(policy, given) if of else None
        except Closed as error:
            closed.append(error)
        else:
            found += made if isinstance(made, tuple) else () if made is None else (made,)
    return tuple(found), tuple(closed)


def everywhere(policy: Policy) -> tuple[Part, ...]:
    """Return what the features add to all servers."""
    made = [feature.everywhere(policy) for feature in FEATURES if hasattr(feature, "everywhere")]
    return tuple(part for part in made if part is not None)
