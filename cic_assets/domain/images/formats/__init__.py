"""One module a format: what its header says, and whether its end is there. Nothing here decodes a pixel."""
