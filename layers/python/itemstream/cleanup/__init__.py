"""Cleanup: what is over and still there goes, task by task, never what somebody needs.

A task does its work in steps, each of which looks at a page of something and removes what is over
there. Between any two steps everything may change, so each removal says what it was decided on:
a row goes if it is still over, an object in the version that was looked at, an archived row if it
is still the one that was archived.
"""
