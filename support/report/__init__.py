"""The requirement register, what a run showed of it, and the files and lines that say so."""

from support.report.model import RunResult, ScenarioFacts
from support.report.register import Register, RegisterError, load_register
from support.report.traceability import from_json
from support.report.write import write_reports

__all__ = [
    "Register",
    "RegisterError",
    "RunResult",
    "ScenarioFacts",
    "from_json",
    "load_register",
    "write_reports",
]
