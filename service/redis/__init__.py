"""The transport to Redis. Knows no comment."""
