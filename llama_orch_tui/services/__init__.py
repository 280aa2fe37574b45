"""Having the daemon started by the system: one module for each system's service manager, one that carries plans out."""
