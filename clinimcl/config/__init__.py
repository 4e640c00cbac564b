"""From the command line to objects: help, composition by Hydra, typed settings, the allow-list of classes."""
