"""What scripts call: the `shoal` command, as thin as a screen. A command is parse, one session call, print."""
