"""A language model behind an OpenAI-compatible endpoint: asked politely, within a budget, and never twice."""
