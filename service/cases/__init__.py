"""The use cases: what the API, the protocols and the console ask for."""
