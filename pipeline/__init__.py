"""nianbao: from scanned Chinese statutory reports to a validated dataset."""

__version__ = "0.1.0"
