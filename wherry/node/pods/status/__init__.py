"""What the API is told of a pod. Pure: (pod, state, now) -> status.

build.py        the whole status, phase and reason
containers.py   the status of one container      conditions.py   the pod's conditions
exits.py        how a run has ended
shared.py       which part of a status is the node's, and the patch that puts it in place
"""
