"""What lasts: tracklets, changes, events and pictures on disk."""
