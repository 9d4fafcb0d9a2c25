"""ReplicaSet → Pods: decide.py says how many and which (pure), controller.py does it.

replicationcontroller.py does it for ReplicationControllers.
"""
