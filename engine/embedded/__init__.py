"""llama.cpp from a wheel, served like `llama-server`: a program of its own, run by path.

`launcher.py` starts and stops the server, `argv.py` reads its command line, `flags.py` is the table of what it knows.
"""
