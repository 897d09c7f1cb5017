"""Features: which latents describe a company, what they are called, and what they contribute."""
