"""The market store in the form of other programs, one file each."""
