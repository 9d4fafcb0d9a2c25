"""Scores: how good a node is for a pod. One per file, each a `Score` called `score`."""
