"""One file an encoder; projector, classifier of change, pretrained weights and their provenance."""
