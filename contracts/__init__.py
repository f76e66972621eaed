"""Contract suites for documented chat APIs: they judge, they never serve."""

from .apis import contract_in as contract_in
from .apis import load as load
from .apis import names as names
from .apis import unknown as unknown
