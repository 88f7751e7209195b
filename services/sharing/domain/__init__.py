"""The rules of shared use: functions of values, no clock, no I/O."""
