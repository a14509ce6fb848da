"""A camera that is not ours: Debian's GStreamer RTSP server plays a file, run by the system's Python.

/usr/bin/python3 gst_camera.py VIDEO PORT     # rtsp://127.0.0.1:PORT/door; SIGUSR1: its clock is set wrong
"""

import signal
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

RUNNING_TIME = 2
"""Of rtpbin's ``ntp-time-source``: sender reports then count from the start of the stream, in 1900."""


def set_wrong(served):
    """From now on its reports tell a time long gone; the stream's stamps go on."""
    for media in served:
        parts = media.get_element().get_parent().iterate_elements()
        while (found := parts.next())[0] == Gst.IteratorResult.OK:
            if found[1].get_factory().get_name() == "rtpbin":
                found[1].set_property("ntp-time-source", RUNNING_TIME)
                print("clock set", flush=True)
    return GLib.SOURCE_CONTINUE


def main():
    video, port = sys.argv[1:]
    Gst.init(None)
    server = GstRtspServer.RTSPServer.new()
    server.set_service(port)
    factory = GstRtspServer.RTSPMediaFactory.new()
    factory.set_shared(True)
    whole = "video/x-h264,alignment=au"  # else the slices of a picture come as pictures
    source = f"( filesrc location={video} ! qtdemux ! h264parse ! {whole} ! rtph264pay name=pay0 pt=96 )"
    factory.set_launch(source)
    served = []
    factory.connect("media-configure", lambda _, media: served.append(media))
    server.get_mount_points().add_factory("/door", factory)
    server.attach(None)
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGUSR1, set_wrong, served)
    print(f"rtsp://127.0.0.1:{port}/door", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
