"""The front door: the command line, the wiring of mocks and contracts, the pytest plugin."""
