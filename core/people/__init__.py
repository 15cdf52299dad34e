"""People: who belongs here, and in which teams."""
