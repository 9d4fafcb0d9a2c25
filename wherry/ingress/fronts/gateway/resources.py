"""The kinds of Gateway API that we follow. They are custom resources: a cluster has them once it has their CRDs."""

from __future__ import annotations

from typing import Final

from wherry.objects.resource import Resource

GROUP: Final = "gateway.networking.k8s.io"
CLASSES: Final = Resource(GROUP, "v1", "gatewayclasses", "GatewayClass", namespaced=False)
GATEWAYS: Final = Resource(GROUP, "v1", "gateways", "Gateway")
ROUTES: Final = Resource(GROUP, "v1", "httproutes", "HTTPRoute")
GRANTS: Final = Resource(GROUP, "v1beta1", "referencegrants", "ReferenceGrant")

CONTROLLER: Final = "wherry.io/gateway-controller"
"""`spec.controllerName` of the GatewayClasses that are ours."""

FEATURES: Final = (
    "Gateway",
    "GatewayHTTPListenerIsolation",
    "HTTPRoute",
    "HTTPRouteBackendProtocolWebSocket",
    "HTTPRouteBackendRequestHeaderModification",
    "HTTPRouteBackendTimeout",
    "HTTPRouteHostRewrite",
    "HTTPRouteMethodMatching",
    "HTTPRouteNamedRouteRule",
    "HTTPRoutePathRedirect",
    "HTTPRoutePathRewrite",
    "HTTPRoutePortRedirect",
    "HTTPRouteQueryParamMatching",
    "HTTPRouteRequestMirror",
    "HTTPRouteRequestMultipleMirrors",
    "HTTPRouteRequestPercentageMirror",
    "HTTPRouteRequestTimeout",
    "HTTPRouteResponseHeaderModification",
    "HTTPRouteSchemeRedirect",
    "ReferenceGrant",
)
"""What `status.supportedFeatures` says: the features' names in its Go module (`pkg/features`).

HTTPRouteParentRefPort is not among them, though a parentRef's port counts: its test has listeners of other ports.
"""
