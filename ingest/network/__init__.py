"""What every call to another server keeps to: when it is tried again, how much is read, what is never shown."""
