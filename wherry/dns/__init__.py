"""The cluster DNS: what a Corefile asks for, answered from the cluster's own objects. README.md has the map.

May not import any other component: it sees the cluster through `wherry.client` only.
"""
