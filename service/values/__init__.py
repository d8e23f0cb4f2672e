"""Values only: no input or output, and nothing of Redis or HTTP."""
