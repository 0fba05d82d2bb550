"""Formats that are text: which encoding they are in, and what their marks mean."""
