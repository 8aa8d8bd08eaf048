"""Survey inference on any pandas frame; this room knows nothing of SIPAS."""
