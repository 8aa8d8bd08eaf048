"""The chapters of a report, one module for each, in the official order of contents.

A chapter takes the subject of the report and returns one section; it reads no file and writes none.
"""
