"""Every state change of the registry: lock, policy, rule, write, audit, event; nobody commits."""
