"""Job → Pods that end.

podofjob.py     pure: a Job's pod, and what is read from one: its index, whether it counts, when it ended
failurepolicy.py  pure: what a failed pod means (KEP-3329)
indexes.py      pure: which indexes are done, have failed, or are next (KEP-2214, KEP-3850)
census.py       pure: how many pods run, end, and have ended; which of them are still to be counted (KEP-2307)
outcome.py      pure: whether the Job has succeeded or failed, and why
staffing.py     pure: which pods to create and to delete
status.py       pure: the status
decide.py       pure: all of that as one step
controller.py   the loop

A pod's end is counted in three writes, none of which may be lost: its uid goes into the status, then its finalizer off
the pod, then the uid becomes a number. Source of the rules: upstream pkg/controller/job.
"""
