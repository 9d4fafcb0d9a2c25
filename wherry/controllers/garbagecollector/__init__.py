"""Dependents follow their owners: deleted after them (background), before them (foreground), or set free (orphan).

decide.py       pure: what becomes of an object, given the fate of its owners
controller.py   the graph, kept by indexes over every resource, and the loop

Source of the rules: upstream pkg/controller/garbagecollector.
"""
