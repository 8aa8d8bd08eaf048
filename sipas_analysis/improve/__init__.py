"""What to do: measures for the weakest items."""
