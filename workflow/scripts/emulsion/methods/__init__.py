"""Mixing methods: what produces a mixture. They see sizes, losses and weights by source name, never files or models."""
