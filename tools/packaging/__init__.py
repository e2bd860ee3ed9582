"""Turn the source tree into what Lambda takes: a layer, an archive for each family, a manifest."""
