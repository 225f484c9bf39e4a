"""One file per limit or breaker. A limit looks at the book, says what it sees, never remembers."""
