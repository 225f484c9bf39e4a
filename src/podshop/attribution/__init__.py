"""Every dollar explained: the payoff by pod, asset and part; reads events and books."""
