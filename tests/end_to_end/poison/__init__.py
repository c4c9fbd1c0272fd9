"""An app and settings with which worker processes die of what the file POISON_FILE names."""
