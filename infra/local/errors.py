class CannotStart(Exception):
    """One sentence for the person at the terminal: what stands in the way and what to do about it."""
