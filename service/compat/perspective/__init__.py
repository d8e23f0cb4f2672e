"""Perspective's API, v1alpha1, on its own paths: a Perspective client only needs another host name."""

from service.compat.perspective.routes import HOT, ROUTES

__all__ = ["HOT", "ROUTES"]
