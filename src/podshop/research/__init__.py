"""Study of the past: backtest, metrics, cards; the same day code as live."""
