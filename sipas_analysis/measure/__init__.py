"""The results of the survey: the index with its error, and the order of units."""
