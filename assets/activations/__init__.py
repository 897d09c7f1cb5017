"""Stage `activations`: descriptions in, residual-stream shards out."""
