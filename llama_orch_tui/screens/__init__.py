"""The screens: they compose widgets and route what the operator asks."""
