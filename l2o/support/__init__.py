"""What problems, optimizers and runs rest on: arrays, files, limits of memory, settings, and how things are shown."""
