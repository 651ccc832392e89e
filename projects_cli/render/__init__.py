"""What people and programs get to see; nothing prints outside this room."""
