"""Frames and the records made of them, for the tests of single drivers."""

from sensors.devices import Moment, driver_for
from sensors.framing import Fault, Frame

WARM = Moment(source="device", time_ns=1_700_000_000 * 10**9, time_sigma_s=0.01)
COLD = Moment(source="device", time_ns=0, heard_for_s=10.0)


def frames_of(name, data, **options):
    decoder = driver_for(name, **options).decoder()
    return [one for one in decoder.feed(data) + decoder.flush() if isinstance(one, Frame)]


def faults_of(name, data, **options):
    decoder = driver_for(name, **options).decoder()
    return [one.kind for one in decoder.feed(data) + decoder.flush() if isinstance(one, Fault)]


def records_of(name, data, moment=WARM, **options):
    """Records of all frames in the bytes, by one driver."""
    driver = driver_for(name, **options)
    decoder = driver.decoder()
    found = decoder.feed(data) + decoder.flush()
    frames = [one for one in found if isinstance(one, Frame)]
    return [record for frame in frames for record in driver.records(frame, moment)]
