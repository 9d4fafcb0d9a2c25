"""The node agent: what a kubelet does. One process per node, inside the node's network namespace.

agent.py         `NodeConfig`, `run`: puts the parts below together
registration.py  the Node object and its Lease
routes.py        routes to the other nodes' pods
pods/            what should happen to a pod (pure: plan.py, status.py) and the worker that makes it happen
runtime/         containers: OCI specs (pure), conmon, records on disk
images/          image references -> what to run
volumes/         one file per kind of volume
network/         a pod's address and link
probes/          liveness, readiness and startup
streaming/       the HTTPS server: logs, exec, attach, port-forward
filesystem.py, mounts.py, cgroups.py   the node's file system, mount(2), control groups
"""
