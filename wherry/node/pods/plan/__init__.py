"""What to do for a pod. Pure: (pod, state, now) -> actions; (state, event) -> state.

state.py          what the node knows and remembers of a pod: `State`
actions.py        what can be done
decide.py         what to do next: `decide`, of    bringup.py and winddown.py
events.py         what can happen            update.py      what that makes of the state: `update`
containers.py     a pod's containers         lifetime.py    what should run, and until when
backoff.py        how long to wait           failures.py    what failed, and when to try again
admission.py      whether it is taken in at all
allocation.py    what is set aside for it    resize.py       how that gets in force
inheritance.py    what the API remembers     unsupported.py   what a pod asks for in vain
"""
