"""One small writer for each format: HTML, PDF, Word, Excel and the terminal.

A writer turns the document model into bytes. Writers do not import surveys, figures or chapters.
"""
