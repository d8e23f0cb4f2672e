"""Teaching the deep reader, with PyTorch, from a published encoder."""

# Passes of the deep reader over its texts. Here, because importing the modules of this package takes seconds.
EPOCHS = 1.5
