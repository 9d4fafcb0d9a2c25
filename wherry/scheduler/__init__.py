"""The scheduler: gives every pod without a node one.

    run.py         `run`: watches, the queue, one decision after the other
    outcome.py     writes what a decision means: bindings, events, conditions
    config.py      `SchedulerConfig`
    queue.py       pods that wait: active, backing off, unschedulable until something changes
    snapshot.py    nodes with what runs on them, kept up to date change by change
    pod.py         what is read from a pod once: requests, ports, affinity
    plugin.py      what a filter and a score are, and which changes may alter a filter's verdict
    decide.py      pure: filter, score, choose
    preempt.py     pure: who has to go so that a more important pod fits
    changes.py     pure: which changes may help a pod that waits
    affinity.py    pure: pod affinity terms         spread.py     pure: counting per topology domain
    message.py     pure: why no node fits, in the words kubectl shows
    profile.py     the filters and scores, in order, with weights
    filters/       one predicate per file       scores/    one score per file

A filter is a function of a pod and the snapshot that returns a check for nodes (or None when it has no opinion on the
pod); a check returns the reasons against one node. A score returns 0 to 100 for each node.
"""
