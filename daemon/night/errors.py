"""What can go wrong in a night. Every class words its own message."""


class NightError(Exception):
    """Something about training, examining or adopting a generation failed; the live one is untouched."""


class NightFailed(NightError):
    """The trainer did not finish. Nothing was adopted; the night can be tried again."""

    def __init__(self, why: str, *, log: str = "") -> None:
        tail = log.strip().splitlines()[-1:] if log.strip() else []
        said = f" It last said: {tail[0][:300]!r}." if tail else ""
        super().__init__(
            f"The night failed: {why}.{said} The live generation is untouched; the night will be tried again."
        )
        self.why = why
        self.log = log
