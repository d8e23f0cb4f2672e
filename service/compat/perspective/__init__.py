"""Perspective's API, v1alpha1, on its own paths: a client that knows Perspective works by changing one host name."""

from service.compat.perspective.routes import HOT, ROUTES

__all__ = ["HOT", "ROUTES"]
