"""The deep reader: a multilingual sentence encoder with a classification head."""
