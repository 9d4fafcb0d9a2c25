"""Composes the embedded cluster out of the other rooms' parts.

config.py         what the user asked for: names, addresses, ports
paths.py          where a cluster keeps its files
certificates.py   the cluster's CA and every certificate it signs
kubeconfig.py     merging a context into the user's kubeconfig, and taking it out
merged.py         into which of them it was put, and what was current there before
datadir.py        which clusters there are, and making and forgetting their files
lifecycle.py      up and down: what the verbs call
snapshots/        a cluster as it was at one moment, and back
errors.py         how they fail
waiting.py        until a cluster is ready, or cannot be
readiness.py      what is still missing of it
obstacles.py      why: what components, events and logs say
memory.py         what a cluster's processes take
sandbox.py        the PID and mount namespace everything lives in, and its init
supervisor.py     the init's loop: start, reap, restart
topology.py       the LAN, the nodes' network namespaces
power.py          a node switched off and on, or cut off
joining.py        a node added, or removed; membership.py: what the init makes of it
components.py     the processes of a cluster and what each runs
controlplane.py   API server + controllers + scheduler + addons, one process
addons/           the manifests of what runs as pods: kube-proxy, coredns
board.py          what processes in there put up for `wherry status` to read
hostforward/      loopback on the host → node ports, load balancers and the ingress inside
relay/            the two relays it is made of: streams and datagrams
"""
