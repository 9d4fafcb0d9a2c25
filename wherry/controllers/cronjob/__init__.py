"""CronJob → a Job each time it is due.

timetable.py    pure: the last time it was due, and the next
decide.py       pure: which Jobs to create and delete, and the status
controller.py   the loop

Source of the rules: upstream pkg/controller/cronjob.
"""
