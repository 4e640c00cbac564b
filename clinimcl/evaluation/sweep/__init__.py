"""What the jobs of a sweep say together: means over seeds, folds pooled, differences paired by subject."""
