"""The processes that serve, and the composition root."""
