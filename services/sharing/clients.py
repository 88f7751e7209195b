"""Questions to other services. There are none: what sharing needs of the registry it holds as copies."""
