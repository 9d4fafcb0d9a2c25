"""The machine's way in: listeners on its loopback, connections made from the cluster's LAN.

run.py        the component: what it follows, which sockets it dials with
plan.py       what a Service wants listened on, and where that leads: pure
services.py   keeps those listeners, and tells of ports that somebody else has
parking.py    keeps the sockets of those listeners, and who waits there, while this process is started again
ingress.py    80 and 443 of whichever Ingress controller is ready
taken.py      the report of ports that could not be had, for `wherry status`

This process lives in the host's network namespace; the sockets it dials with are made in the LAN's, so the cluster
sees an outside client at the LAN's first address, and the host's own network is never touched.
"""
