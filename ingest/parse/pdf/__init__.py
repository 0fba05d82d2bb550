"""PDF files: opening them, their text layer and drawn lines, their form, and their pages as pictures."""
