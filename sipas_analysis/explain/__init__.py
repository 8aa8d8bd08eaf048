"""Why people are satisfied: association, never cause."""
