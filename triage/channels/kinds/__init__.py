"""One module per kind of channel; they do not know one another."""
