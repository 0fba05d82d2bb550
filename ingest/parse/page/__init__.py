"""What PDF pages and scans share: from runs of text with their boxes to paragraphs and tables in reading order."""
