"""Prepared arrays and their table, on a disk or in a bucket."""
