"""DaemonSet → one Pod per eligible node.

placement.py    pure: which nodes, and the pod for one of them
revision.py     pure: the history of templates, as ControllerRevisions
rollout.py      pure: which pods to create and delete now
status.py       pure: the numbers
history.py      writes ControllerRevisions
controller.py   the loop

Source of the rules: upstream pkg/controller/daemon.
"""
