"""How anything is written: a model of texts, tables and pictures, and one writer for each format.

What a figure is, whom a report is about and what may be published belong to other rooms.
"""
