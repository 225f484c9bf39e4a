"""One file = one command of the command line; each offers `run(args) -> exit code`."""
