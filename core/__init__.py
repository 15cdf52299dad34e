"""The rules. Knows no screen; every public call is made by someone, through a Session."""
