"""For people to read and to check: one document model, small writers, thin notebooks."""
