"""Nodes that fall silent, and the pods on them.

heartbeat.py    pure: is a node still heard of
taints.py       pure: the taints a node's conditions ask for
eviction.py     pure: when a pod must leave a tainted node
controller.py   conditions, taints, and pods that are not ready because their node is not
evictor.py      deletes pods whose toleration of a NoExecute taint has run out

Source of the rules: upstream pkg/controller/nodelifecycle, pkg/controller/tainteviction.
"""
