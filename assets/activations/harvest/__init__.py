"""The language model at work: windows, batches, 16-bit residual streams, and what it costs."""
