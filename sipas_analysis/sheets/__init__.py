"""Read any file as sheets: cells of text with their state; nothing here knows of surveys."""
