"""What waits and runs: in which order, why, and until when."""
