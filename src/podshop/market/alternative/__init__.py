"""Alternative data: event rows of the store into figures by session and symbol.

Each file makes `symbol, known_at, value` rows of one subject; `scores` puts them on sessions by the
one rule of `market.visibility`; `smart_money` makes one figure of them all. Every function gives
the same whatever the order of the rows, and a row counts once however often it is there.
"""
