"""The commands, each in a module with its declaration and its body."""
