"""Web sites: pages and files, visited again at the cost of one conditional request each."""
