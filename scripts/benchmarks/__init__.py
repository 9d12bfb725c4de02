"""Measurements, one module for each; ``scripts/bench`` runs them."""
