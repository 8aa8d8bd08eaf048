"""Files of offices become a survey one can trust: nothing is guessed silently."""
