"""The group flowcontrol.apiserver.k8s.io: which requests belong together, and how many of them are answered at once."""
