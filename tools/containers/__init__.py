"""The functions' container images: built by Docker or buildah, kept and read as OCI layouts."""
