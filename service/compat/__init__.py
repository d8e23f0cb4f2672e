"""The same story told in other services' words, one module for each protocol."""
