"""The group events.k8s.io: Event, which core/v1 serves as well."""
