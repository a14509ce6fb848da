"""Finding people: pictures -> Detections."""
