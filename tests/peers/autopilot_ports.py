"""Ports of the vehicle process: a TCP server, and UDP to those it was told of."""

from __future__ import annotations

import select
import socket


def address(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


class Ports:
    def __init__(self, tcp, udp, banner):
        self.banner, self.peers, self.streams = banner, udp, []
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.server = socket.create_server(("127.0.0.1", tcp)) if tcp else None

    def wait_for_somebody(self):
        self._accept()

    def may_hear(self, _stream):
        return True

    def send(self, data):
        if not data:
            return
        for peer in self.peers:
            if self.may_hear(peer):
                self.udp.sendto(data, peer)
        for stream in list(self.streams):
            try:
                if self.may_hear(stream):
                    stream.sendall(data)
            except OSError:
                self.streams.remove(stream)

    def receive(self, timeout_s):
        sources = [self.udp, *self.streams, *([self.server] if self.server else [])]
        for source in select.select(sources, [], [], timeout_s)[0]:
            if source is self.server:
                self._accept()
                continue
            try:
                data, peer = source.recvfrom(65536)
            except ConnectionError:
                data, peer = b"", None
            if data:
                self.note(peer if source is self.udp else source)
                yield data
            elif source is not self.udp:
                self.streams.remove(source)

    def note(self, speaker):
        """Somebody has spoken."""

    def _accept(self):
        stream = self.server.accept()[0]
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream.sendall(self.banner)
        self.streams.append(stream)


class Stations(Ports):
    """Those of ground stations; one on a stream that never spoke hears nothing."""

    def __init__(self, tcp, udp, banner):
        super().__init__(tcp, udp, banner)
        self.spoke = set(udp)

    def note(self, speaker):
        self.spoke.add(speaker)

    def may_hear(self, station):
        return station in self.spoke
