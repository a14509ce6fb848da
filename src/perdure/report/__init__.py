"""What people look at after a run: the page and the annotated video."""
