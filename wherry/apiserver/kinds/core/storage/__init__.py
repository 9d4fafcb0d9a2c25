"""Volumes that outlive pods: claims of them, and what a claim asks for."""
