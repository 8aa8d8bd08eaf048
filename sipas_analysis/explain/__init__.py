"""The drivers of satisfaction: associations, never causes."""
