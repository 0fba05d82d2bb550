"""When sources are brought in: what is due by the clock, and what is watched."""
