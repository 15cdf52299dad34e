"""One file for each screen, named as in the menu."""
