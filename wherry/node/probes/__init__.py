"""Liveness, readiness and startup.

probe.py    a probe's settings and its count of successes and failures (pure)
check.py    one try: HTTP, TCP or a command
watcher.py  `Watcher`: the probes of one running container
"""
