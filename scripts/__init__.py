"""Programs for developers; the generator of scans is also used by the tests and the training."""
