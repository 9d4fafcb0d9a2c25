"""What becomes of the node's pods. Imports go downwards only (import-linter):

manager.py   all pods, a worker each               view.py    what the streaming server may know of them
worker.py    one pod: keeps its `State`, has what `plan` decides performed, and tells the API
act/         the acts, each of which returns what has come of it
status/      pure: (pod, state, now) -> status
plan/        pure: (pod, state, now) -> actions; (state, event) -> state
"""
