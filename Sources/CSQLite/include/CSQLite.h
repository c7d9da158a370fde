// Nothing to call: see sqlite.c.
