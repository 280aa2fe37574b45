from __future__ import annotations

import sys

if sys.platform == "win32":
    collect_ignore = ["test_signal_bell.py"]  # sends POSIX signals
