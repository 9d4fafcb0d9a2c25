"""What should happen to a pod, and the worker that makes it happen.

Pure: state.py (what is observed), plan.py (what to do next), status.py (what to tell the API), env.py, files.py,
backoff.py, unsupported.py. Edge: sandbox.py, starter.py, worker.py, manager.py, references.py.
"""
