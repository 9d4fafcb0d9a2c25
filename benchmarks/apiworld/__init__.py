"""What `scripts/bench api` measures: the servers, as processes."""
