"""Reports: what a run came to, as a page, as tables for the terminal, and as one sentence a day."""
