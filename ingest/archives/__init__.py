"""Archives: tells which files are archives, lists their members, and opens them without trusting what they say.

Two stages use this package. Sources list archives as folders, and readers find archives inside documents.
"""
