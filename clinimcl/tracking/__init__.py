"""Loggers, the W&B dashboard, and what must never reach them."""
