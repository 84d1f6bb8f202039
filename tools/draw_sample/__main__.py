"""`python -m tools.draw_sample OUT`, from the project's folder."""

import argparse
from pathlib import Path

from tools.draw_sample import write_sample


def main() -> None:
    """Draw the sample into the folder that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m tools.draw_sample", description=write_sample.__doc__)
    parser.add_argument("out", type=Path, help="a folder that is missing or empty")
    write_sample(parser.parse_args().out)


if __name__ == "__main__":
    main()
