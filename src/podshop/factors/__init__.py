"""L2, cross-sections and trailing windows: the arithmetic that pods and risk models share."""
