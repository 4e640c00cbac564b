"""Contrastive learning on longitudinal medical images."""

__version__ = "0.1.0"
