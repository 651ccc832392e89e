"""Backup and transfer: documents in a file, and from a file into a database (docs/backup.md)."""
