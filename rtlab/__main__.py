"""``python -m rtlab`` does what ``rtlab`` does."""

import sys

from rtlab.cli import main

sys.exit(main())
