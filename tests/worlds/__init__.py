"""Builders of test data: every database content that tests use is made here."""
