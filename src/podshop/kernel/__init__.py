"""L1: the arithmetic of one day, compiled. One file, because stale machine code is a bug."""
