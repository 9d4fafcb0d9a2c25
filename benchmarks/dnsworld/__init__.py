"""What `scripts/bench dns` measures in: a cluster's objects, an upstream, the servers, and the questions."""
