"""WHICH RULES HOLD? Pure values and pure decisions: standard library only, no clock, no I/O, no randomness."""
