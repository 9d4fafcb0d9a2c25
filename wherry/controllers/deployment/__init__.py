"""Deployment → ReplicaSets.

rollout.py      pure: sizes                     revision.py   pure: which ReplicaSet is the new one, its annotations
progress.py     pure: status and conditions     decide.py     pure: all of them, one decision
controller.py   the loop that applies decisions
"""
