"""Videos and stills → frames in grey, upright, of square pixels."""
