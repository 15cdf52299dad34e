"""The organization, its users and their roles."""
