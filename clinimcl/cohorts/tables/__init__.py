"""What the tables of a cohort say: subjects, days, scores, sex, in each archive's own columns."""
