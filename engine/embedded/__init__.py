"""llama.cpp from a wheel, served like `llama-server`."""
