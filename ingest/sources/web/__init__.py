"""The source for web sites. A later visit costs one conditional request for each page."""
