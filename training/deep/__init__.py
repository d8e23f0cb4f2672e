"""Teaching the deep reader, with PyTorch, from a published encoder."""
