"""Asking vendors politely: how often, again after a failure, and never twice for the same thing."""
