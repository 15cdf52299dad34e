"""What people see: the Textual console. Holds no SQL, no Docker and no network of its own."""
