"""The group batch: workloads that end."""
