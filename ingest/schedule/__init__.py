"""Decides when sources are ingested: by a timetable, or when a watched source changes."""
