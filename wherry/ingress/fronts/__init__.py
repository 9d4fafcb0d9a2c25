"""Fronts: where routes come from. Each turns the objects of one API into the model of `route/`.

ingress/    networking.k8s.io Ingresses, with ingress-nginx' annotations and ConfigMaps
gateway/    gateway.networking.k8s.io Gateways and HTTPRoutes
build.py    both together: `build(snapshot, choices) -> Model`
"""
