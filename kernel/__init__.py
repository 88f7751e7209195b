"""Domain-free ground under every service. A word of our trade in here is a bug."""
