"""How volumes fail."""

from __future__ import annotations


class VolumeError(Exception):
    """A volume cannot be set up now; the message is what the FailedMount event says."""

    def __init__(self, message: str, volume: str = ""):
        super().__init__(message)
        self.message = message
        self.volume = volume

    def __str__(self) -> str:
        if not self.volume:
            return self.message
        return f'MountVolume.SetUp failed for volume "{self.volume}" : {self.message}'
