"""What can be made to go wrong with RunMVChat."""
from __future__ import annotations
