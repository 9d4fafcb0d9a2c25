"""What a container is told of its pod and its surroundings. Pure: objects and addresses are passed in.

fields.py      the downward API: fields of a pod, resources of a container
env.py         the environment          expansion.py   `$(NAME)` in it, in commands and in paths
files.py       /etc/hosts and /etc/resolv.conf  resolver.py   the node's own, without loopback
"""
