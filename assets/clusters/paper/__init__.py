"""[paper] The company-similarity paper's clusters and scores, a file a step, faults included (docs/paper.md)."""
