"""Real faults: servers that die, networks that break, disks that are full, hostile input."""
