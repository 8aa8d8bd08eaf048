"""What the systems of the offices record: dossiers, movements, petitions, publication (T1–T8)."""
