"""A trained run → a folder that answers without torch: networks, and what its held-out people say of it."""
