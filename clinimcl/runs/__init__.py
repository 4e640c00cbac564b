"""A run from its settings to its report: components, stages, folder, evaluation."""
