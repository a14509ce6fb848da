"""A simulated building: who walks where and when (``building``), and what the cameras see of it (``render``)."""
