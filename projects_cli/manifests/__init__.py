"""Declarative files: descriptions of the wanted projects, compared with the stored ones (docs/manifests.md)."""
