"""The transport to Redis. It knows nothing of comments."""
