"""Read the files of offices into a validated survey; nothing is guessed silently."""
