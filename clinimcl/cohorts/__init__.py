"""One file a cohort: raw layout → scan table; health change, matching of visits, splits."""
