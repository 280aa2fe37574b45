from __future__ import annotations

import sys

if sys.platform == "win32":
    collect_ignore = ["test_sd_notify.py"]  # systemd is Linux
