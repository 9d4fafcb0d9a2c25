"""The Common Expression Language, as Kubernetes has it. Pure.

Parsing, checking and evaluating is cel-cpp's, by its Python wheel; here is what Kubernetes adds. Everything of cel-cpp
stays in this package, and is loaded when the first expression is.
"""
