"""Scan file → array: fetching, decoding, alignment, resampling, intensities."""
