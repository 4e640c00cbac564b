"""A generated brain MRI: anatomy, disease course, acquisition."""
