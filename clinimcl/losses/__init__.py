"""One file a loss: a function, its module, its source."""
