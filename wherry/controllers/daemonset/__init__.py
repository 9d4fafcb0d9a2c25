"""DaemonSet → one Pod per eligible node.

placement.py    pure: which nodes, and the pod for one of them
rollout.py      pure: which pods to create and delete now
status.py       pure: the numbers
controller.py   the loop

Source of the rules: upstream pkg/controller/daemon.
"""
