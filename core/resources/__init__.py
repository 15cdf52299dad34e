"""What each kind of thing shows and what may be done with it: declared once, read by the console and by the command."""
