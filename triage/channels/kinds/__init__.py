"""WHICH KINDS OF CHANNEL ARE THERE? One module per kind; they do not know one another."""
