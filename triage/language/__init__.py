"""HOW DOES TEXT READ? Language, sentiment and flags of a text; adapters of the libraries that know."""
