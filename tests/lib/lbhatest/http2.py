"""HTTP/2 as far as a server in a test needs it (RFC 9113): frames by hand, so that each of them can be wrong.

What clients compress (HPACK) libnghttp2 reads, which libcurl brings along. Headers are sent as literals.
"""
import ctypes
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
END_STREAM, ACK, END_HEADERS, PRIORITY = 1, 1, 4, 0x20


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def text(value):
    """A string of HPACK without Huffman coding; up to 126 bytes or in the long form."""
    data = value.encode() if isinstance(value, str) else value
    if len(data) < 127:
        return bytes([len(data)]) + data
    rest, out = len(data) - 127, [127]
    while rest >= 128:
        out.append(rest % 128 + 128)
        rest //= 128
    return bytes(out + [rest]) + data


def block(*fields):
    return b"".join(b"\0" + text(name) + text(value) for name, value in fields)


def headers(*fields, end=False, stream=1):
    return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, block(*fields))


def data(payload, end=True, stream=1):
    return frame(DATA, END_STREAM if end else 0, stream, payload)


class NameValue(ctypes.Structure):
    _fields_ = [("name", ctypes.POINTER(ctypes.c_char)), ("value", ctypes.POINTER(ctypes.c_char)), ("name_size", ctypes.c_size_t),
                ("value_size", ctypes.c_size_t), ("flags", ctypes.c_uint8)]


def fields(compressed):
    """The names and values of the first block of a connection."""
    library = ctypes.CDLL("libnghttp2.so.14")
    inflate = library.nghttp2_hd_inflate_hd2
    inflate.restype = ctypes.c_ssize_t
    inflate.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
    inflater, field, flags, out = ctypes.c_void_p(), NameValue(), ctypes.c_int(), []
    assert library.nghttp2_hd_inflate_new(ctypes.byref(inflater)) == 0
    while not flags.value & 1:  # NGHTTP2_HD_INFLATE_FINAL
        used = inflate(inflater, ctypes.byref(field), ctypes.byref(flags), compressed, len(compressed), 1)
        assert used >= 0, f"no HPACK: {used}"
        compressed = compressed[used:]
        if flags.value & 2:  # NGHTTP2_HD_INFLATE_EMIT
            out.append((field.name[:field.name_size].decode(), field.value[:field.value_size].decode()))
    library.nghttp2_hd_inflate_del(inflater)
    return out


class Reader:
    """The client's frames, as they come. `block` is the last of headers."""

    def __init__(self, connection):
        self.connection, self.at = connection, None
        self.body = self.block = b""

    def preface(self):
        """Whether the client speaks HTTP/2."""
        self.at = self.connection.hear_until(PREFACE)
        return self.at is not None

    def frame(self):
        """(kind, flags, stream, payload), or None when the client has gone."""
        heard = self.connection
        while len(heard.heard) < self.at + 9:
            if not heard.hear():
                return None
        head = heard.heard[self.at:self.at + 9]
        size = int.from_bytes(head[:3], "big")
        while len(heard.heard) < self.at + 9 + size:
            if not heard.hear():
                return None
        payload = heard.heard[self.at + 9:self.at + 9 + size]
        self.at += 9 + size
        return head[3], head[4], int.from_bytes(head[5:], "big"), payload

    def request(self):
        """Read to the end of the first request; its body, or None when the client has gone."""
        while (got := self.frame()):
            kind, flags, _, payload = got
            if kind == DATA:
                self.body += payload
            if kind == HEADERS:
                self.block = payload[5 if flags & PRIORITY else 0:]
            if kind in (DATA, HEADERS) and flags & END_STREAM:
                return self.body
        return None


def serving(reply):
    """A behaviour (lbhatest.rogue): says its settings, reads a request, then sends `reply` (bytes, or a function of the request's
    body that gives bytes) and waits for the client to go. Bodies of requests are in server.requests."""
    def behaviour(connection):
        reader = Reader(connection)
        if not reader.preface() or not connection.send(frame(SETTINGS) + frame(SETTINGS, ACK)):
            return
        body = reader.request()
        if body is None:
            return
        connection.server.requests.append(body)
        connection.send(reply(body) if callable(reply) else reply)
        connection.wait_gone()
    return behaviour


def answering(body=b"fine", status="200", fields=(), trailers=()):
    out = headers((":status", status), *fields)
    out += data(body, end=not trailers)
    return serving(out + (headers(*trailers, end=True) if trailers else b""))
