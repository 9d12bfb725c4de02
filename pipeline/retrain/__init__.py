"""From training data and corrections to models: trained anew, compared with what is in use, and put into use."""
