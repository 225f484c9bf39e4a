"""What things are: money, assets, market, pods, book, orders, events, errors.

Imports nothing above.
"""
