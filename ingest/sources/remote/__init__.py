"""Object stores and file servers, through fsspec."""
