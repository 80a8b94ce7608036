"""WHERE DO MENTIONS COME FROM? One file per kind of source, one contract for all of them."""
