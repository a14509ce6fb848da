"""The catalogue of models: one card each; our own weights live here."""
