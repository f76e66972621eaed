"""One package an API: the vendor's behaviour as an `Emulator`, and its faults."""
