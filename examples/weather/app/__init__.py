"""A weather station that logs temperature, pressure and humidity."""

from micropython import const

VERSION = (1, 4, 0)
SAMPLES_PER_REPORT = const(6)


def run(bus=None, reports=2, write=print):
    """Take readings for ever, or for a number of reports."""
    from app.report import Report
    from app.station import Station

    station = Station(bus)
    made = 0
    while reports is None or made < reports:
        report = Report(station.name)
        for reading in station.readings(SAMPLES_PER_REPORT):
            report.add(reading)
        write(report.line())
        made += 1
    return made
