"""How the whole runs: the asset graph, the planner, the schedule and the command."""
