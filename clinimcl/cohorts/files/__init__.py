"""Which files below a cohort's root are scans, and what their names and sidecars say."""
