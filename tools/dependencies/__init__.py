"""What the local stack needs on the machine: found, or fetched in pinned versions, or explained."""
