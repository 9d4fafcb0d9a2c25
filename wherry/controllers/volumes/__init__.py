"""Claims get volumes, volumes go when their claims do.

    claim.py, volume.py    pure: what a claim or a volume is to be next
    binder.py              `VolumeBinder`: writes it
    provision.py           pure: the volume that the local-path provisioner makes
    provisioner.py         `LocalPathProvisioner`: makes it, and lets a larger claim have more
    protection.py          what is in use is not deleted
    ephemeral.py           the claims that a pod brings along

Source: kubernetes pkg/controller/volume/{persistentvolume,pvcprotection,pvprotection,ephemeral}.
"""
