"""How figures, bars and scans are drawn."""
