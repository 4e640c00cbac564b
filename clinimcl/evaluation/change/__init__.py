"""Is health change told apart: metrics, the rows beside them, figures and words."""
