"""What should happen to a pod, and the worker that makes it happen.

Pure:
    state.py, actions.py, plan.py      what is observed, what can be done, what to do next
    status.py, conditions.py           what to tell the API        inheritance.py   what the API remembers
    env.py, fields.py, files.py        what containers find        backoff.py       how long to wait
    unsupported.py                     what a pod asks for in vain

Edge:
    manager.py      all pods           worker.py     one pod: observe, plan, perform
    memory.py, runs.py                 what a worker knows
    starting.py, preparing.py          from an image to a running container
    keeping.py, hooks.py, ending.py    probes, hooks, stopping, the end
    sandbox.py, namespaces.py          what a pod's containers share
    leftovers.py                       what pods that are gone have left on disk
    objectcache.py  ConfigMaps and Secrets              statuswriter.py   the API's side
"""
