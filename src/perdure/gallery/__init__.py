"""Who is who: Tracklet -> Change. Pure."""
