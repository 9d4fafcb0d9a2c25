"""The node agent: what a kubelet does. One process per node, inside the node's network namespace.

agent.py         `NodeConfig`, `run`: puts the parts below together
registration.py  the Node object and its Lease
routes.py        routes to the other nodes' pods
pods/            a worker for each pod: plan/ and status/ (pure), act/
downward/        what a container is told: downward API, environment, files in /etc (pure)
runtime/         containers: OCI specs (pure), conmon, records on disk
images/          image references -> what to run
volumes/         one file per kind of volume
network/         a pod's address and link
probes/          liveness, readiness and startup
streaming/       the HTTPS server: logs, exec, attach, port-forward, the node's own logs
stats.py, configz.py   what pods use, and what the node runs with, for that server
filesystem.py, mounts.py, cgroups.py   the node's file system, mount(2), control groups
"""
