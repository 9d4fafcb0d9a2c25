"""The service proxy of one node: Services and EndpointSlices become packet paths.

endpoint.py    one backend, and the backends of EndpointSlices (pure)
service.py     what a Service asks of the proxy (pure)
left_out.py    what makes no sense and is not served (pure)
topology.py    which endpoints new connections go to, seen from one node (pure)
plan.py        frontends and their routes: the wanted state, whatever the mode (pure)
no_local.py    services whose Local policy leaves this node nothing (pure)
changes.py     the incremental tracker: cost follows the change (pure)
modes/         each mode turns the plan into kernel state
health_check.py, metrics.py, node_health.py, component.py   the running component

Nothing here may import another component (dns, ingress, node, controllers): they meet in the API.
"""
