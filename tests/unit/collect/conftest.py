"""What the tests of this room share."""

from collections.abc import Callable
from typing import Any

import pytest

from sipas_analysis.collect.survey import Survey
from sipas_analysis.errors import SipasError


@pytest.fixture
def refused(read_answers: Callable[..., Survey]) -> Callable[..., SipasError]:
    """Read answers that cannot stand and return the error."""

    def read(
        answers: str | bytes | None, kind: type[SipasError] = SipasError, **facts: Any
    ) -> SipasError:
        with pytest.raises(kind) as caught:
            read_answers(answers, **facts)
        return caught.value

    return read
