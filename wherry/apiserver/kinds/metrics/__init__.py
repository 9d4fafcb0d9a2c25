"""The group metrics.k8s.io: what nodes and pods use, which is never stored."""
