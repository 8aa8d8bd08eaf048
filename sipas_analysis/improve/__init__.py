"""Proposed measures for the weakest items."""
