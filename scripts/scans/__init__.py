"""Printed annual reports and the damage that scanners, faxes and cameras do to them, with truth per cell.

Every report comes from its own random generator, seeded with (seed, number of the report), so that reports
may be made in any order and in several processes and still come out the same to the byte.
"""
