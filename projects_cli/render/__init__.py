"""Messages, questions and responses: nothing outside this package prints."""
