"""The rules as data: the questions, the satisfied levels, and how parts make the whole."""
