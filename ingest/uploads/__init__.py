"""Documents that were uploaded: what was accepted, its bytes, and how it is brought in."""
