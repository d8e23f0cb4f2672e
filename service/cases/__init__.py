"""The use cases behind the API, the compatible protocols and the console."""
