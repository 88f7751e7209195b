"""A synthetic province for the demonstration: invented masts with the plan's figures, by the real commands."""
