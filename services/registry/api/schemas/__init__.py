"""What the API takes and gives. Days are half-open, heights are metres as decimal text, points WGS 84."""
