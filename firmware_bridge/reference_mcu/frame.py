"""The frame that `sensors.drivers.mcu_cobs` reads; runs on MicroPython and on CPython alike.

COBS(header, values, CRC-32) and a zero. Header, little-endian: version 1, type, device,
sequence, microseconds since boot, number of values, flags.
"""

import struct
from binascii import crc32

VERSION = 1
FLAG_OVERRUN = 1  # readings were lost because the line was too slow


def cobs_encoded(data):
    """Data without a zero: each zero becomes the distance to the next."""
    out = bytearray(1)
    code_at, code = 0, 1
    for octet in data:
        if octet:
            out.append(octet)
            code += 1
            if code == 0xFF:
                out[code_at] = code
                code_at, code = len(out), 1
                out.append(0)
        else:
            out[code_at] = code
            code_at, code = len(out), 1
            out.append(0)
    out[code_at] = code
    return bytes(out)


def frame(kind, device, sequence, device_us, values, flags=0):
    """Bytes of one reading of all channels; NaN where a channel gave none."""
    body = struct.pack(
        "<BBHIQBB", VERSION, kind, device, sequence & 0xFFFFFFFF, device_us, len(values), flags
    )
    body += struct.pack("<" + "f" * len(values), *values)
    body += struct.pack("<I", crc32(body) & 0xFFFFFFFF)
    return cobs_encoded(body) + b"\x00"
