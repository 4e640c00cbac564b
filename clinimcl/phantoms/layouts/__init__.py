"""The brain phantom as archives give their cohorts."""
