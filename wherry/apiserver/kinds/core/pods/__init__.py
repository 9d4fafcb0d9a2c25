"""Pod, and what its spec is made of; workloads share it as a template (`podtemplate`)."""
