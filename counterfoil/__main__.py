"""`python -m counterfoil` is the command `counterfoil`."""

from .cli import main

if __name__ == "__main__":
    main()
