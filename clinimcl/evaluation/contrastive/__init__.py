"""Retrieval, stability, order in time and diagnosis of contrastive embeddings."""
