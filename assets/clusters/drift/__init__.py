"""What changed in the peer groups from one as-of date to the next, and why."""
