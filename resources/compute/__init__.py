"""Hardware: devices and worker processes."""
