"""Find, read, write, verify and download the files of models."""
