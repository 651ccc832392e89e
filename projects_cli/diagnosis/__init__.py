"""Every change goes through here: plans are shown, confirmed and applied."""
