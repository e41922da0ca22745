"""A type test carried out: on all processors, with progress, its results as JSON and as a page."""

from watthour.host.typetest.report import report_page
from watthour.host.typetest.results import TypeTest, result_of, write_results
from watthour.host.typetest.running import Wish, run_type_test
from watthour.host.typetest.summary import summary_lines

__all__ = ["TypeTest", "Wish", "report_page", "result_of", "run_type_test", "summary_lines", "write_results"]
