"""The Ingress controller: Ingress rules become a running nginx.

    options.py       what the command line decides
    settings.py      what the controller's ConfigMap decides
    values.py        the forms a user-given value may have
    fronts/          where routes come from: ingress/ and gateway/ turn their objects into the model (pure)
    route/           the model: servers, locations, backends, certificates, whoever asked for them (pure)
    features/        what a location can have: one file per feature, with the annotations that ask for it
    nginx/           nginx.conf (template), lua/ (inside nginx), and the process
    cluster.py       informers: API objects -> snapshot
    gateways.py      the same for Gateway API, once a cluster has it; and its statuses
    applier.py       model -> nginx: push what Lua can take, reload for the rest
    quarantine.py    what nginx refuses is left out, the rest served; culprits.py finds it (pure)
    status.py        the address in `status.loadBalancer.ingress`
    fallback.py      the certificate for names nobody gave one for; selfsigned.py makes it, in a process of its own
    report.py        what is wrong with an Ingress, told as Events
    localhealth.py   health at a socket file, for probes of replicas that share a node
    controller.py    ties them together; component.py puts it together with its nginx
    reading.py       objects of a cluster or of files, the model and backends they make, for the three below
    render.py, explain.py, lint.py, migrate.py   what the controller would do, said beforehand (pure)
    guardian/        the process above it: puts it up again when it is killed, while nginx goes on serving

    Ingress, Service, Secret ──▶ model ──┬─ servers, locations differ ──▶ nginx.conf, nginx -t, HUP
    EndpointSlice ──▶ backends ──────────┴─ endpoints, certificates  ──▶ control socket ──▶ Lua shared memory

Endpoints and certificates never touch nginx.conf, so pods come and go without a reload. Nothing given by a user reaches
nginx.conf without a check against a closed set of characters, and quoting (`nginx/quote.py`).
"""
