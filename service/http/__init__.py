"""What all protocols share on their way in and out: bodies, keys, limits, answers."""
