"""Archives: which files are some, what is in them, and opening them without trusting what they say of themselves.

Neutral ground: sources list archives as folders, and readers find them inside documents; both stand on this.
"""
