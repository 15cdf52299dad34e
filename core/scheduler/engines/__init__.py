"""Where an attempt of an execution can run, behind one interface."""
