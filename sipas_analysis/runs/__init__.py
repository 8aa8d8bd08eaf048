"""Making many reports: one notebook with checked parameters, child processes, a whole wave.

What a report says belongs to ``reports``; what proves it to ``proof``.
"""
