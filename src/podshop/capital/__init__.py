"""How capital is shared among the pods: one file = one allocator, and the exact capped projection."""
