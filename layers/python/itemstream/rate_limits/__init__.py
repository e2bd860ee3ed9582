"""Rate limits: how often one tenant may ask for what is dear to do."""
