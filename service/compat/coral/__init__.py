"""Coral's external moderation phase (docs/coral.md)."""
