"""Files of offices become a validated survey; nothing is guessed silently."""
