"""nginx: its configuration, the Lua inside it, and its process.

    errors.py       what can be wrong with nginx
    quote.py        the one way a value gets into nginx.conf
    runtime.py      where nginx' files are and on which ports it listens
    template.py     `Structure` -> the text of nginx.conf (pure)
    parts.py        where the features' parts go: http, server, location (pure)
    lines.py        their directives as text
    secrets.py      the files they need, such as passwords
    nginx.conf.j2   the template: structure only, no endpoints, no certificates
    lua/            what runs inside nginx
    control.py      the control socket: push endpoints and certificates, read counters
    ports.py        whether streams can have their ports
    process.py      start, test, reload, drain, restart

How a request travels:

    client ─▶ :80/:443 ─▶ server (by host, or SNI) ─▶ location ─▶ rewrite phase: backend without endpoints? 503
                 │                                        │
                 │ ssl_certificate_by_lua                 └─▶ upstream ─▶ balancer_by_lua: next endpoint ─▶ pod
                 ▼                                                              ▲
        shared memory `certificates` ◀── control socket ──▶ shared memory `backends`
                                              ▲
                                         the controller
"""
