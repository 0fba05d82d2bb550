"""The source for object stores and file servers, through fsspec."""
