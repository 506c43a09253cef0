"""The speed-up protocol: by what factor a learned optimizer reaches a gap before another method."""
