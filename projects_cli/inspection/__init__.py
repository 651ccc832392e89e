"""Answers to questions of administrators for which the service has no endpoint."""
