"""Decides when sources are ingested: by a timetable, or when a watched source changes.

Its files:

    timetable.py  cron expressions in a time zone
    scheduler.py  one thread, under a lease, that starts what is due
    watching.py   a folder that is listed every few seconds
"""
