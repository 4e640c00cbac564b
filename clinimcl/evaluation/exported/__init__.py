"""An exported model on people who neither trained nor calibrated it."""
