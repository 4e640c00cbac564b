"""An exported model → an answer about two scans, without torch."""
