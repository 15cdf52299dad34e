"""Machines and the hosts that give them: their states as people see and steer them, and their account."""
