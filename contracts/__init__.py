"""Contract suites for documented chat APIs: they judge, they never serve."""

from .apis import load as load
from .apis import names as names
