"""Every fault against the suites, and every honest server: what is caught, and what cries wolf."""

from . import judgement as judgement
from . import tables as tables
from .jobs import Honest as Honest
from .jobs import Matrix as Matrix
from .jobs import Row as Row
from .jobs import audit as audit
from .jobs import judge_mock as judge_mock
