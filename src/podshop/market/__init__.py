"""L2, what was known: raw tables into a panel for pods and a market for books."""
