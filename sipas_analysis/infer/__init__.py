"""Survey inference on any pandas frame; nothing here depends on SIPAS."""
