"""The evidence for a set of outputs: program, receipt, and checks that a reader can repeat.

Modules here read figures and build pages of the document model. They import no writer and no
chapter, so that a check never depends on the layout of a report.
"""
