"""One module per kind of source; they do not know one another."""
