"""The deep reader: an encoder that understands sentences in many languages, and what it says of a comment."""
