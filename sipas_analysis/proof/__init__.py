"""What a set of outputs rests on: program, receipt, and the checks that a reader can repeat.

Modules here read figures and build pages of the document model. They import no writer and no
chapter, so that a check never depends on how a report looks.
"""
