"""The desk: the fund file, the wiring, the drivers and the command line."""
