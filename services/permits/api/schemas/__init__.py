"""What goes in and out over HTTP; neither the tables nor the events."""
