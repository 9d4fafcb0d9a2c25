"""Structured logs and Prometheus metrics: the same in every component.

log.py        `setup`: one line per record, as text or JSON
faults.py     exceptions in a log: told once and short, then counted (pure)
logfile.py    the file a component's output goes to, put aside when it is full
metrics.py    the process's own registry, and counters, gauges and histograms named alike
"""
