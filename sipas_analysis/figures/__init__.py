"""The published figures: each has one id, one value and one printed text, or is hidden.

Nothing here draws, writes a report, or reads a file of answers.
"""
