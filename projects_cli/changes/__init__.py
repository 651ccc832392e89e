"""The change engine: every change is planned, journaled, applied behind a fence, and can be resumed or undone."""
