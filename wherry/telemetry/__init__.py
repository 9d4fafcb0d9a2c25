"""Structured logs and Prometheus metrics: the same in every component.

log.py        `setup`: one line per record, as text or JSON
metrics.py    the process's own registry, and counters, gauges and histograms named alike
"""
