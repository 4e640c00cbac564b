"""How much of an embedding is the scanner: shares of its variance, agreement of repeated scans, harmonisation."""
