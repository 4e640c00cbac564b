"""A generated lung ultrasound: echoes, signs, the picture on a screen."""
