"""Deployment → ReplicaSets.

rollout.py      pure: the arithmetic of a rolling update
revision.py     pure: which ReplicaSet is the new one, its name and annotations
state.py        pure: a Deployment with its ReplicaSets
sizing.py       pure: the next size of each
progress.py     pure: status and conditions
decide.py       pure: all of them, one decision
controller.py   the loop that applies decisions
"""
