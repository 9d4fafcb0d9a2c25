"""The acts: what `plan` decides is done here. Each takes the pod and its state, and returns what has come of it.

perform.py       one action: an `Outcome`          node.py        the parts of the node an act may use
belongings.py    volumes, sandbox, clean up        objectcache.py the ConfigMaps and Secrets they are made of
sandboxes.py, namespaces.py, holder.py   what a pod's containers share
start.py, prepare.py   from an image to a running container
follow.py, exits.py    looking after a running one: probes, its end
stop.py, hooks.py      hooks, the stop signal, SIGKILL
withdraw.py      waiting until nobody sends the pod new connections
statuswriter.py  the API's side of the status      telling.py     events
leftovers.py     what pods that are gone have left on disk
"""
