"""The OpenAI Moderation API, spoken by our own model: docs/openai.md."""
