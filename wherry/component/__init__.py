"""The frame every component runs on: what it follows, what it does, how it is.

component.py    `Component`: the four lines that put one together
process.py      `run`: an event loop until SIGTERM or SIGINT
informer.py     `Informer`: a cache of one resource that follows a watch and survives anything
handlers.py     who is told of changes, and told again after it raised
everything.py   `Everything`: an informer of every resource that is served, as they come and go
index.py        `Index`: an informer's objects, found by something else than their name
workqueue.py    `WorkQueue`: keys, de-duplicated, with delays and back-off
turns.py        `Turns`: long work gives way to the others of its process
supervise.py    `supervise`: a task that is run again whenever it ends or crashes
restarts.py     pure: when what has ended is started again
backoff.py      pure: how long to wait after a failure
troubles.py     `Troubles`: what fails just now; logged, counted, shown by readiness
events.py       `EventWriter`, `EventRecorder`: core/v1 Events, counted and folded, written in the background
inotify.py      `FolderChanges`: woken by what happens in a folder
health.py       `Health`, `HealthServer`: /healthz, /livez, /readyz and /metrics
"""
