"""Training: steps, schedules, transfer from one block to another (paper C), checkpoints."""
