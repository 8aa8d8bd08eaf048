"""What the survey says: the index with its error, and the order of units."""
