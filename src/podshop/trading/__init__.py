"""From wish to order and from fill back to pod: size, net, share, cost."""
