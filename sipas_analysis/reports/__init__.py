"""What is said: reports on the province and its units, the portal, the annexes and other pages.

Chapters take figures and return sections of the document model. How these look belongs to
``documents``, which figures may be published to ``figures``.
"""
