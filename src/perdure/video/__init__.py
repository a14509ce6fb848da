"""Sources of pictures: files, folders, cameras -> Frame."""
