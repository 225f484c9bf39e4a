"""How capital is shared among the pods: one file per allocator, and the exact capped projection."""
