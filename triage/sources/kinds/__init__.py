"""WHICH KINDS OF SOURCE ARE THERE? One module per kind; they do not know one another."""
