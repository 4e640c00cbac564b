"""The local page on which two files are dropped."""
