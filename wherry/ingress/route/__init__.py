"""What nginx is to serve, whichever front asked for it. Everything is immutable and compares by value.

    model.py         `Model`, `Structure`: all of it; an equal model means nothing to do
    server.py        `Server`: one host
    location.py      `Location`: one path of one host
    data.py          what Lua is told of locations, beside endpoints
    stream.py        `Stream`: a TCP or UDP port
    passed.py        `Passed`: a host whose TLS is not ended here
    backend.py       `BackendRef` -> `Backend`: a Service's port and its ready endpoints
    certificate.py   a Secret -> `Certificate`
    problem.py       what is wrong with an object, for its owner to read

`Model.structure` is what nginx.conf says; `Model.certificates` and the backends are pushed to Lua.
"""
