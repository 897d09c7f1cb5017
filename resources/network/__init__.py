"""Retries, rate limits and the Hugging Face hub."""
