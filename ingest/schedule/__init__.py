"""When sources are brought in: what is due by the clock, and what is watched.

Its files:

    timetable.py  cron expressions in a time zone
    scheduler.py  one thread, under a lease, that starts what is due
    watching.py   a folder that is listed every few seconds
"""
