"""HTTP code that all protocols share: bodies, keys, limits, answers."""
