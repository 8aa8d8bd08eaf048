"""Make many reports: one notebook with checked parameters, child processes, a whole wave.

``reports`` defines the content of a report; ``proof`` makes its receipt.
"""
