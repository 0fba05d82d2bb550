"""Pictures: by themselves and inside documents, read by OCR."""
