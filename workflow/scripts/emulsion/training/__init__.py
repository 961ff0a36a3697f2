"""Training: one run spec in, one model out."""
