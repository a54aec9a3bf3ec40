"""Which release the stand-ins stand in for."""

VERSION = "v8.5.7"
GIT_HASH = "0" * 40
BUILD_TS = "2026-01-01 00:00:00"
