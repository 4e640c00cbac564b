"""From embeddings to metrics with intervals over subjects, figures and one self-contained report."""
