"""Model files: making the demo's tiny one."""
