"""One file per outside technology behind the ports of ``libs/sdk/ports.py``."""
