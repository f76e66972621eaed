"""Mock servers for documented chat APIs: they serve, they never judge."""

from .app import create_app as create_app
from .app import emulator as emulator
