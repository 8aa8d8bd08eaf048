"""The rule as data: what is asked, what counts as satisfied, how parts make the whole."""
