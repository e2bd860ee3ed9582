"""Consumers: what a function does with events that nobody waits for.

Each kind of event source has its decorator: records of a stream (``streams``), messages of a queue
(``queues``), objects created in a bucket (``objects``), the clock (``schedules``). All of them keep
the same promise: what can never be processed becomes a dead letter with its reason, what may be
processed later is tried again, and neither takes its neighbours with it.
"""
