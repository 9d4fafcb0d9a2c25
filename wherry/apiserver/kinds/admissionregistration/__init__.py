"""The group admissionregistration.k8s.io: webhook configurations, policies that validate or mutate, their bindings."""
