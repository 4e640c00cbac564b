"""Embeddings without what their scanner adds: ComBat and longitudinal ComBat, fitted on training people alone."""
