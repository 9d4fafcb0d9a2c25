"""Ingresses become routes. Pure: API objects in, the wanted nginx out. No I/O, no clock.

snapshot.py      what the model is made from: objects, and what the command line and the ConfigMap decided
classes.py       which Ingresses are ours
annotations.py   an Ingress' annotations -> its `Policy`, and what is wrong with them
unsupported.py   what happens to an Ingress that carries an annotation we do not act on
paths.py         which hosts and paths may reach nginx.conf
rule.py          `Rule`: a path as an Ingress states it -> its locations
host.py          `HostRules`: the rules of one host; the oldest Ingress first
tls.py           which certificate serves which host
streams.py       TCP and UDP services from their ConfigMaps
passing.py       hosts that are passed through to a Service that speaks TLS itself
build.py         all of it: `build(snapshot, choices) -> Model`
"""
