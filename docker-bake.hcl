# Every image, for Docker: `make images` calls `docker buildx bake` with this file, adds labels,
# and collects what comes of it. `REGISTRY` and pushing are not its business: see `itemstream push`.

variable "BASE_IMAGE" {
  # The one place where AWS's image is pinned: its index for both architectures.
  # Newer: `itemstream images --update-base`, or the nightly workflow, which proposes it.
  default = "public.ecr.aws/lambda/python:3.13@sha256:5dd3e2c637709e8437ef7b2ea42ebeee9824e62d2f6ba7afe788a4fd6e2a96f0"
}

variable "PLATFORM" {
  default = "linux/arm64"
}

group "default" {
  targets = ["authorizers", "crud", "processors", "calls", "realtime", "scheduled"]
}

target "_image" {
  platforms = [PLATFORM]
  # With either, BuildKit writes an index, and Lambda runs none.
  attest = ["type=provenance,disabled=true", "type=sbom,disabled=true"]
}

target "_shared" {
  inherits   = ["_image"]
  dockerfile = "layers/Dockerfile"
  args       = { BASE_IMAGE = BASE_IMAGE }
}

# AWS's image and nothing more: what the sizes of the others are measured from.
target "base" {
  inherits = ["_shared"]
  target   = "base"
}

target "build" {
  inherits = ["_shared"]
  target   = "build"
}

target "shared" {
  inherits = ["_shared"]
  target   = "shared"
}

target "_family" {
  inherits = ["_image"]
  contexts = { build = "target:build", shared = "target:shared" }
  args     = { BUILD_IMAGE = "build", SHARED_IMAGE = "shared" }
}

target "authorizers" {
  inherits   = ["_family"]
  dockerfile = "authorizers/Dockerfile"
}

target "calls" {
  inherits   = ["_family"]
  dockerfile = "functions/calls/Dockerfile"
}

target "crud" {
  inherits   = ["_family"]
  dockerfile = "functions/crud/Dockerfile"
}

target "processors" {
  inherits   = ["_family"]
  dockerfile = "functions/processors/Dockerfile"
}

target "realtime" {
  inherits   = ["_family"]
  dockerfile = "functions/realtime/Dockerfile"
}

target "scheduled" {
  inherits   = ["_family"]
  dockerfile = "scheduled/Dockerfile"
}
