"""The chat page: plain files, served as they are."""
