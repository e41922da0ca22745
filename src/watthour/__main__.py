"""``python -m watthour`` is the program."""

from watthour.cli import main

if __name__ == "__main__":
    main()
