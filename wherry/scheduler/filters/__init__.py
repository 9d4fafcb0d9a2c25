"""Predicates: reasons why a pod cannot run on a node. One per file, each a `Filter` called `check`."""
