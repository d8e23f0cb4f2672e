"""Everything that talks to the world: the HTTP API, Redis, the process."""
