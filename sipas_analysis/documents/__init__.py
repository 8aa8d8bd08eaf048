"""Write documents: a model of texts, tables and pictures, and one writer for each format.

Other subpackages define the figures, the subject of a report and what may be published.
"""
