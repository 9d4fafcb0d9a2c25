"""What a route can have beyond a place and a backend: one file per feature.

    annotation.py    `Annotation`, `Scope`, `Risk`: what an annotation declares about itself
    catalog.py       the tables of all features' annotations
    policy.py        `Policy`: the typed values of one Ingress' annotations

    bodies.py        the largest request body
    protocol.py      what the endpoints speak
    redirects.py     from http to https
    rewriting.py     another path for the endpoint; paths that are patterns
    timeouts.py      how long nginx waits for an endpoint

A feature is the type of what nginx is told (a field of `Location`, used by the template), the annotations that ask for
it, and `of(policy, settings)`, which makes the one from the other. Another front fills in the same types.
"""
