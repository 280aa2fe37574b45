"""The application: command line, screens, and the wiring of engine to widgets."""

__version__ = "0.9.0"
