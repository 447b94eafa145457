"""The exercises themselves, a file each."""
