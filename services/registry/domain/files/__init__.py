"""Files that people send: bytes to rows, whatever encoding, separator and habits of spreadsheets they come with."""
