"""A pod's volumes.

kinds.py       which kinds there are
places.py      where a container's volumeMounts lead, subPaths included
emptydir.py, hostpath.py, persistent.py
claims.py      which PersistentVolume a claim stands for
reclaim.py     removes the folders of local-path volumes that are deleted
payload.py     configMap, secret, downwardAPI and projected as files to write (pure)
atomic.py      writing such files so that a reader sees all of a change or nothing
tokens.py      service account tokens, renewed before they end
manager.py     `VolumeManager`: sets a pod's volumes up, keeps them current, takes them down
"""
