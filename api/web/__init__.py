"""The chat page: plain files, served as they are. A sub-folder is another page."""
