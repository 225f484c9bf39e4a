"""What happened: entries and their hash chain, the fold into the book, postings, and the laws."""
