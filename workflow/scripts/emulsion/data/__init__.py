"""Data: sources, cleaning, normalising, tokens, batches."""
