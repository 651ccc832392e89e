"""The distribution: the wheel, the lock file, the installation, and the first steps of a new user."""
