"""StatefulSet → Pods with names, places and volumes of their own.

identity.py     pure: ordinals, and the pod for one of them
claims.py       pure: the volumes of a pod, and who they go with
decide.py       pure: the next step: which pods to create, delete and put right
rollout.py      pure: which pods a rolling update takes next
status.py       pure: the numbers
volumes.py      writes PersistentVolumeClaims
controller.py   the loop

Source of the rules: upstream pkg/controller/statefulset.
"""
