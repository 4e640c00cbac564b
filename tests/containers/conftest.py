"""A small exported model."""

from tests.inference.conftest import folder

__all__ = ["folder"]
