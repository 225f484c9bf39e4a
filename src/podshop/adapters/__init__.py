"""The outside: vendors, brokers, stores, alerts; one file each."""
