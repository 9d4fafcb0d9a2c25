"""The rules of create, read, update, apply, delete and watch, the same for every kind.

    options.py        what a request may ask besides the object
    context.py        what a kind's hooks may look at
    transaction.py    one change of one object, tried until nobody was faster
    writing.py        `Writing`: the stages of create, update, patch, apply and delete, in their order
    draft.py          an object on its way in, and what others may make of it
    consulting.py     webhooks asked about a draft, a delete, or what is posted and not stored
    written.py        what they see: in any version, through the view it is written by
    identity.py       which object a request is about: type, name, version
    parts.py          what a write to an object, its status or its finalizers may change
    serverfields.py   the metadata that is the server's: uid, age, generation
    managedfields.py  the metadata that says who set which field
    applying.py       server-side apply of one configuration
    claims.py         what only one object may have, written in one commit with it
    deleting.py       finalizers, grace periods, propagation
    paging.py         `limit` and `continue`
    versions.py       the meaning of `resourceVersion` on reads
    reader.py         `Reader`: get, list, watch
    registry.py       `Registry`: those, and create, put, modify, apply, delete

No HTTP and no authorisation here: `wherry.apiserver.api` puts them in front.
"""
