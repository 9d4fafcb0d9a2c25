"""What a route can have beyond a place and a backend: one file per feature.

    answer.py        what a feature answers in the endpoint's place, for `wherry ingress explain`
    annotation.py    what annotations and the ConfigMap's keys declare about themselves
    catalog.py       the table of all features, in the order of their directives
    directive.py     what a feature says to nginx, as words
    part.py          `Part`: the typed wish of a feature, and where it goes: http, server, location, headers, Lua
    policy.py        `Policy`: the typed values that hold for one Ingress
    proxied.py       the request headers every endpoint gets

A feature is a file with the annotations and settings that ask for it, a `Part` that says it to nginx, and
`of(policy, sources)`, which makes the one from the other (`everywhere(policy)`: what is for all servers). Another front
makes the same parts.
"""
