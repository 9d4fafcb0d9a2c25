"""The rules of create, read, update, delete and watch, the same for every kind.

    options.py     what a request may ask besides the object
    context.py     what a kind's hooks may look at
    creating.py    a new object's metadata, defaults, admission and checks
    updating.py    what an update may change, and what it may not
    deleting.py    finalizers, grace periods, propagation
    paging.py      `limit` and `continue`
    versions.py    the meaning of `resourceVersion` on reads
    reader.py      `Reader`: get, list, watch
registry.py    `Registry`: those, and create, update, patch, delete

No HTTP and no authorisation here: `wherry.apiserver.api` puts them in front.
"""
