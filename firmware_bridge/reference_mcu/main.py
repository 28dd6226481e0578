"""Samples analogue inputs at a steady rate and sends them as COBS frames.

For a Raspberry Pi Pico or another board with MicroPython; see README.md. Values are volts at
the pin: what they mean is the mission file's business (``channels``, ``calibration``).
"""

PINS = (26, 27, 28)  # ADC0, ADC1, ADC2 of a Pico
RATE_HZ = 20
DEVICE = 1  # tells several boards apart
TYPE = 1  # of this set of channels; change it with the wiring
VOLTS = 3.3
OVERSAMPLED = 16  # readings that are averaged, against the converter's noise


def run():
    """Sample for ever."""
    import sys  # noqa: PLC0415 - MicroPython's modules are there only on the board
    import time  # noqa: PLC0415

    from frame import FLAG_OVERRUN, frame  # noqa: PLC0415
    from machine import ADC  # noqa: PLC0415

    inputs = [ADC(pin) for pin in PINS]
    line = sys.stdout.buffer
    period_us = 1000000 // RATE_HZ
    before = time.ticks_us()
    elapsed_us = due_us = sequence = flags = 0
    line.write(b"\x00")  # closes what the boot loader may have said
    while True:
        now = time.ticks_us()
        elapsed_us += time.ticks_diff(now, before)  # the board's counter wraps within minutes
        before = now
        if elapsed_us < due_us:
            time.sleep_us(min(due_us - elapsed_us, 1000))
            continue
        sample_us = elapsed_us
        values = []
        for one in inputs:
            total = 0
            for _ in range(OVERSAMPLED):
                total += one.read_u16()
            values.append(total / OVERSAMPLED / 65535 * VOLTS)
        line.write(frame(TYPE, DEVICE, sequence, sample_us, values, flags))
        sequence += 1
        due_us += period_us
        flags = 0
        if elapsed_us - due_us > period_us:  # too late for the next: leave readings out, and say so
            due_us = elapsed_us + period_us
            flags = FLAG_OVERRUN


if __name__ == "__main__":
    run()
