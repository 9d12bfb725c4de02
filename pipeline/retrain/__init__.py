"""From training data to models."""
