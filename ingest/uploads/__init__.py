"""Uploaded documents: the register of accepted uploads, their bytes, and the thread that ingests them."""
