"""One file = one limit or breaker. A limit looks at the book and says what it sees; it never remembers."""
