"""The content of reports on the province and its units, the portal, annexes and other pages.

Chapters take figures and return sections of the document model. ``documents`` defines the layout,
``figures`` which figures may be published.
"""
