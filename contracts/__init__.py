"""The published language: what each service promises to the others, and nothing else."""
