"""Find forms that need a second look, with a stated false-alarm rate; nobody is accused."""
