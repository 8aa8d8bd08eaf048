"""Draft `wave.yaml`, `units.csv` and a pack from files of an office; a person corrects them."""
