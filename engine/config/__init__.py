"""The configuration: schema, file, and the command line it makes."""
