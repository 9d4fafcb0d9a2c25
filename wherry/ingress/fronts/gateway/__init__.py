"""Gateways and HTTPRoutes become routes (gateway.networking.k8s.io/v1). Pure: API objects in, the wanted nginx out.

resources.py    the kinds we follow, and the controller's name in a GatewayClass
snapshot.py     what all is made from
condition.py    `Condition`: what a status says
hostname.py     hostnames and wildcards: what covers what, what two have in common
grants.py       ReferenceGrants: which references may cross namespaces
listener.py     a Gateway's listeners: what is wrong with them, their certificates, whom they let attach
attachment.py   an HTTPRoute's parents -> the listeners it is attached to
filters.py      a rule's filters -> what Lua does
rule.py         a rule -> `Rule`: its matches, filters, backends, and what of it cannot be resolved
table.py        rules by host, in the order of precedence, as Lua looks them up
routing.py      the part of a location that holds a table
status.py       what the status of each object is to say
build.py        all of it: `add(model, snapshot, choices) -> Model`

A host of a listener is a server of nginx.conf with one location; everything else is a table in shared memory, so a
changed HTTPRoute is no reload.
"""
