"""Files on a disk or behind a URL: written whole, fetched once, cached up to a bound."""
