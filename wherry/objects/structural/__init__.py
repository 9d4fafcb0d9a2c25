"""Custom resources by their structural schema: the OpenAPI v3 schema of one version, as a plain dict.

shape.py        `Shape`: one version's schema, and all of the below put together
pruning.py      what no schema speaks of is dropped
defaulting.py   what is missing is filled in
values.py       types, bounds, patterns, enumerations, unions: is each value what the schema says?
formats.py      the formats of strings
embedded.py     objects inside objects have an apiVersion, a kind, good metadata
listtypes.py    lists that are sets or maps have no element twice
paths.py        simple JSON paths: printer columns, replicas, selectable fields
walking.py      every schema within a schema

Source: k8s.io/apiextensions-apiserver pkg/apiserver/schema, pkg/apiserver/validation and k8s.io/kube-openapi
pkg/validation.
"""
