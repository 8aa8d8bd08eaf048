"""One small writer for each format: HTML, PDF, Word, Excel and the terminal.

A writer turns the document model into bytes. It knows no survey, no figure and no chapter.
"""
