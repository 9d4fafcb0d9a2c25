"""The frame every component runs on: what it follows, what it does, how it is.

informer.py     `Informer`: a cache of one resource that follows a watch and survives anything
index.py        `Index`: an informer's objects, found by something else than their name
workqueue.py    `WorkQueue`: keys, de-duplicated, with delays and back-off
events.py       `EventWriter`, `EventRecorder`: core/v1 Events, counted and folded, written in the background
health.py       `Health`, `HealthServer`: /healthz, /livez, /readyz and /metrics
"""
