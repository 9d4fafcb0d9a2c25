"""Liveness, readiness and startup.

probe.py    a probe's settings and its count of successes and failures (pure)
check.py    one try: HTTP, TCP, gRPC or a command
grpc.py     the call of a gRPC probe
watcher.py  `Watcher`: the probes of one running container
"""
