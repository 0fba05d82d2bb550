"""Mail, and the documents inside a document."""
