"""What the program is compared with: each a short script, as somebody who knows pymongo would write it."""
