"""Trains the deep reader with PyTorch, starting from a published encoder."""

# Default epochs of the deep reader. Defined here because importing the modules of this package takes seconds.
EPOCHS = 1.5
