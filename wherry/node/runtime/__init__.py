"""Containers on this machine: the OCI runtime (crun or runc) under conmon.

interface.py   what the node's HTTPS server may ask: where a container's log, process and namespaces are
"""
