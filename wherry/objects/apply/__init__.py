"""Server-side apply: who owns which fields of an object, and what an apply makes of it. Pure.

    shape.py        how values merge, from the types of the schema: atomic, by key, as a set
    structural.py   the same, from the schemas of custom resources; shapes.py: whichever it is
    element.py      one step of a path, as FieldsV1 writes it
    fieldset.py     sets of fields, kept as FieldsV1
    owned.py        a value's fields: all, or those a configuration names
    compare.py      what differs between two values
    merge.py        a configuration into a value; fields out of a value
    validate.py     whether a configuration is of its shape
    managers.py     the entries of metadata.managedFields
    update.py       whose fields are whose after a create, an update, a patch
    prune.py        what an applier no longer names
    reconcile.py    sets said under an older schema
    lastapplied.py  coming from client-side apply
    conflicts.py    what an apply may not take without force
    apply.py        an apply, put together

Sources: sigs.k8s.io/structured-merge-diff v6, k8s.io/apimachinery pkg/util/managedfields.
"""
