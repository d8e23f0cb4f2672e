"""The APIs of other moderation services, one package for each protocol."""
