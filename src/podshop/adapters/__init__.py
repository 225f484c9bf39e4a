"""The outside: vendors, sources of panels, brokers, stores; one file each."""
