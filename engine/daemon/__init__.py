"""The daemon as others see it: who it is, how one is started in the background and ended, what it writes down."""
