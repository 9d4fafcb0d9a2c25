"""The group admissionregistration.k8s.io: webhook configurations, ValidatingAdmissionPolicy and its binding."""
