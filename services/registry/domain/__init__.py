"""Rules of the registry: functions of values, without clock, ids or I/O of their own."""
