"""Pure: API objects in, the wanted nginx out. No I/O, no clock.

    snapshot.py      what the model is made from: objects, and what the command line and the ConfigMap decided
    classes.py       which Ingresses are ours
    paths.py         which hosts and paths may reach nginx.conf, and how a path matches
    backend.py       `BackendRef` -> `Backend`: a Service's port and its ready endpoints
    location.py      `Location`: one path of one host
    server.py        `Server`: one host; oldest Ingress first
    certificate.py   a Secret -> `Certificate`
    tls.py           which certificate serves which host
    stream.py        TCP and UDP services from their ConfigMaps
    problem.py       what is wrong with an object, for its owner to read
    build.py         all of it: `build(snapshot, choices) -> Model`

`Model.structure` is what nginx.conf says; `Model.certificates` and the backends are pushed to Lua. Everything is
immutable and compares by value: an equal model means nothing to do.
"""
