"""What llama-orchestrator left behind: read, translated, and brought over."""
