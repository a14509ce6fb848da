"""Short-term tracking inside one camera: Detections and Crops -> Tracklet. Pure."""
