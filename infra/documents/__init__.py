"""What is generated from the code and committed: the merged API document and the matrix of rights; and the client."""
