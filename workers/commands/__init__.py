"""WHAT CAN A PERSON TYPE? One module per group of commands of the console script `tocsin`."""
