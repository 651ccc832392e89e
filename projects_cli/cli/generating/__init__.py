"""Everything that is generated from the live commands: completion files, pages, manuals, the help of the whole."""
